"""What is coded: one unit for each act that changed, restored or compared states, with the edits around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from core.types import Edit
from study.records import Record
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

_ACTS: dict[type[Intervention], Act] = {
    InterventionApplied: "applied",
    InterventionUndone: "undone",
    InterventionRedone: "redone",
    InterventionReset: "reset",
    InterventionCompared: "compared",
}


@dataclass(frozen=True, slots=True)
class Setting:
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

    @cached_property
    def touched(self) -> tuple[int, ...]:
        """Components whose setting differs between before and after."""
        return tuple(c for c in sorted({*self.before, *self.after}) if self.before.get(c) != self.after.get(c))

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
    return tuple(sorted(settings.items(), key=lambda item: item[0]))


def units_in(records: Iterable[Record]) -> tuple[Unit, ...]:
    """The units of one participant's stream, in order; what was expected, dragged through or failed is none."""
    found: list[Unit] = []
    for record in records:
        event = record.event
        if not isinstance(event, Intervention):
            continue
        undone = event.undone_event if isinstance(event, InterventionUndone) else None
        redone = event.redone_event if isinstance(event, InterventionRedone) else None
        unit = Unit(
            seq=record.seq,
            event_id=record.event_id,
            act=_ACTS[type(event)],
            task=event.task,
            attempt=event.attempt,
            image=event.pinned.image_sha256,
            before=_settings(event.before.edits),
            after=_settings(event.after.edits),
            of=undone or redone,
        )
        found.append(unit)
    return tuple(found)


def _settings(edits: Iterable[Edit]) -> Settings:
    # one spelling for one effect, so that a strength of set 0 is met again as scale 0
    canonical = ((edit, canonical_edits([edit])) for edit in edits)
    return {
        edit.component: Setting(str(row[1]), edit.strength + 0.0, str(row[3]))
        for edit, rows in canonical
        for row in rows
    }
