"""What is coded: one unit for each act that changed, restored or compared states, with the edits around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from core.types import Edit
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.practice import practised
from study.records import Record
from study.scenario_events import InterventionRecalled
from study.state import canonical_edits
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
)

Act = Literal["applied", "undone", "redone", "reset", "compared"]

ACTS: dict[str, Act] = {  # by the kind of event
    InterventionApplied.name: "applied",
    InterventionUndone.name: "undone",
    InterventionRedone.name: "redone",
    InterventionReset.name: "reset",
    InterventionCompared.name: "compared",
    # muting takes an edit away, unmuting and recalling put edits in place: to the model that is what is done by hand
    InterventionMuted.name: "applied",
    InterventionUnmuted.name: "applied",
    InterventionRecalled.name: "applied",
}


class Setting(NamedTuple):
    """One component's edit in canonical form; a component without one is neutral."""

    op: str
    strength: float
    scope: str

    @property
    def side(self) -> str:
        """The move that ends here: suppress, amplify or set."""
        if self.op == "set":
            return "set"
        return "suppress" if self.strength < (1.0 if self.op == "scale" else 0.0) else "amplify"


Settings = Mapping[int, Setting]
Key = tuple[tuple[int, Setting], ...]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One act to be coded, with the edits that stood before and after it."""

    seq: int
    event_id: str
    act: Act
    task: str
    attempt: int
    image: str
    before: Settings
    after: Settings
    of: str | None = None  # the event that was undone or redone

    @property
    def counts(self) -> bool:
        """Whether it is coded: what changed no state, such as taking out an edit that is muted, is not."""
        return self.act == "compared" or self.before != self.after

    @cached_property
    def touched(self) -> tuple[int, ...]:
        """Components whose setting differs between before and after."""
        return tuple(sorted({component for component, _ in self.before.items() ^ self.after.items()}))

    @cached_property
    def before_key(self) -> Key:
        """The settings before, as a value that can be looked up."""
        return key_of(self.before)

    @cached_property
    def after_key(self) -> Key:
        """The settings after, likewise."""
        return key_of(self.after)


def key_of(settings: Settings) -> Key:
    """Settings as a value that can be looked up; equal for equal settings."""
    return tuple(sorted(settings.items()))


def units_in(records: Iterable[Record]) -> tuple[Unit, ...]:
    """The units of one participant's stream, in order.

    What was expected, dragged through, failed or practised is none; nor is what changed no state.
    """
    found: list[Unit] = []
    held = tuple(records)
    left_out = practised(held)
    for record in held:
        event = record.event
        if not isinstance(event, Intervention) or event.task in left_out:
            continue
        undone = event.undone_event if isinstance(event, InterventionUndone) else None
        redone = event.redone_event if isinstance(event, InterventionRedone) else None
        unit = Unit(
            seq=record.seq,
            event_id=record.event_id,
            act=ACTS[event.name],
            task=event.task,
            attempt=event.attempt,
            image=event.pinned.image_sha256,
            before=settings_of(event.before.edits),
            after=settings_of(event.after.edits),
            of=undone or redone,
        )
        if unit.counts:
            found.append(unit)
    return tuple(found)


def settings_of(edits: Iterable[Edit]) -> Settings:
    """Edits as settings by component, the neutral ones left out."""
    return {edit.component: setting for edit in edits if (setting := setting_of(edit)) is not None}


def setting_of(edit: Edit) -> Setting | None:
    """One edit in canonical form; None if it is neutral."""
    # one spelling for one effect, so that a strength of set 0 is met again as scale 0
    rows = canonical_edits([edit])
    return Setting(str(rows[0][1]), edit.strength + 0.0, str(rows[0][3])) if rows else None
