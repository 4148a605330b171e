"""Events of changing the model: each intervention with what stood on either side of it, and each prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from core.types import Edit, Scope
from study.happening import Cell, InTask
from study.predictions import LoggedEdit, Real, Shown, unpack_logits
from study.state import Pinned, State, canonical, digest

_READABLE = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention(InTask):
    """A change of state, with what the model said on either side of it."""

    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned"})
    before: Shown
    after: Shown
    pinned: Pinned
    control: str = "button"  # what was used: button, slider, keyboard, ...

    def states(self) -> tuple[State, ...]:
        return self.pinned.state(self.before.edits), self.pinned.state(self.after.edits)

    def state_ids(self) -> tuple[str | None, str | None]:
        return self.before.state_id, self.after.state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "control": self.control,
            **pinned_cells(self.pinned),
            **shown_cells(self.before, "_before"),
            **shown_cells(self.after, "_after"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionApplied(Intervention):
    """One component was given a setting; `setting` None takes its edit away.

    `setting.strength` is in codes for `set` and `add`; `value` in `unit` is what the control said.
    """

    name: ClassVar[str] = "intervention.applied"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned", "setting", "previous"})
    component: int
    tool: str  # suppress, amplify, set, add or restore
    value: Real
    unit: str  # factor, p99 or code
    scope: Scope = Scope.ACTIVE
    patches: tuple[int, ...] = ()
    setting: LoggedEdit | None = None
    previous: LoggedEdit | None = None

    @property
    def amount(self) -> str:
        """What the control said, with its unit."""
        units = {"factor": "{:g} times", "p99": "{:g} p99", "code": "a code of {:g}"}
        return units[self.unit].format(self.value)

    @property
    def reach(self) -> str:
        """The tokens that the edit reaches, as the end of a sentence; empty for those where the component is active."""
        count = len(self.patches)
        patches = f" on {count} patch{'' if count == 1 else 'es'}"
        known = {Scope.ACTIVE: "", Scope.ALL: " on all tokens", Scope.CLASS: " on the class token"}
        return known.get(self.scope, patches)

    def target(self) -> str | None:
        return f"component/{self.component}"

    def cells(self) -> dict[str, Cell]:
        own: dict[str, Cell] = {
            "component": self.component,
            "tool": self.tool,
            "value": self.value,
            "unit": self.unit,
            "scope": self.scope.value,
            "patches": " ".join(map(str, self.patches)) or None,
            **_edit_cells(self.setting, ""),
            **_edit_cells(self.previous, "_previous"),
        }
        return {**own, **Intervention.cells(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionUndone(Intervention):
    """The last standing intervention was taken back; `undone_event` names it."""

    name: ClassVar[str] = "intervention.undone"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned", "undone_event"})
    undone_event: str

    def cells(self) -> dict[str, Cell]:
        return {"undone_event_id": self.undone_event, **Intervention.cells(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionRedone(Intervention):
    """An undone intervention was done again; `redone_event` names the original."""

    name: ClassVar[str] = "intervention.redone"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned", "redone_event"})
    redone_event: str

    def cells(self) -> dict[str, Cell]:
        return {"redone_event_id": self.redone_event, **Intervention.cells(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionReset(Intervention):
    """All edits were taken away at once."""

    name: ClassVar[str] = "intervention.reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionCompared(Intervention):
    """The state that stands, before and after alike, was put side by side with another."""

    name: ClassVar[str] = "intervention.compared"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned", "other"})
    other: Shown
    against: str = "original"  # what was asked for: original, or an earlier event by its id

    def states(self) -> tuple[State, ...]:
        return self.pinned.state(self.after.edits), self.pinned.state(self.other.edits)

    def cells(self) -> dict[str, Cell]:
        own: dict[str, Cell] = {"other_state_id": self.other.state_id, **shown_cells(self.other, "_other")}
        return {**Intervention.cells(self), **own}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionFailed(InTask):
    """An act was asked for and could not be answered; the state stayed as it was."""

    name: ClassVar[str] = "intervention.failed"
    results: ClassVar[frozenset[str]] = frozenset({"reference", "error"})
    act: str
    component: int | None = None
    reference: str = ""
    error: str = ""  # the class of the exception; its words stay in the server's own log

    def target(self) -> str | None:
        return None if self.component is None else f"component/{self.component}"

    def cells(self) -> dict[str, Cell]:
        return {"tool": self.act, "component": self.component, "reference": self.reference, "error": self.error}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPredicted(InTask):
    """What the model said in one state, how long that took and where it ran."""

    name: ClassVar[str] = "model.predicted"
    result: ClassVar[bool] = True
    after: Shown
    pinned: Pinned
    latency_ms: Real
    cache_hit: bool = False
    edit_norm_ratio: Real = 0.0
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def states(self) -> tuple[State, ...]:
        return (self.pinned.state(self.after.edits),)

    def state_ids(self) -> tuple[str | None, str | None]:
        return None, self.after.state_id

    def cells(self) -> dict[str, Cell]:
        return {
            **pinned_cells(self.pinned),
            **shown_cells(self.after, "_after"),
            "latency_ms": self.latency_ms,
            "cache_hit": self.cache_hit,
            "edit_norm_ratio": self.edit_norm_ratio,
            "environment_sha256": digest(canonical(self.environment)),
        }


def pinned_cells(pinned: Pinned) -> dict[str, Cell]:
    """The cells of what a prediction hangs on."""
    return {
        "model_sha256": pinned.model_sha256,
        "dictionary_sha256": pinned.dictionary_sha256,
        "image_sha256": pinned.image_sha256,
        "labels_sha256": pinned.labels_sha256,
        "view": pinned.explanation,
    }


def shown_cells(seen: Shown, when: str) -> dict[str, Cell]:
    """The cells of one state and what the model said there; `when` is the end of their names."""
    edits = [
        edit_text(each.component, each.op.value, each.strength, each.scope.value, each.patches) for each in seen.edits
    ]
    said = said_cells(edits, seen.logits, [(each.label, each.probability) for each in seen.top])
    return {f"{name}{when}": cell for name, cell in said.items()}


def edit_text(component: int, op: str, strength: float, scope: str, patches: Sequence[int]) -> str:
    """One edit as JSON for people."""
    return json.dumps(
        {"component": component, "op": op, "strength": strength, "scope": scope, "patches": list(patches)}
    )


def said_cells(edits: Iterable[str], logits: str, top: Sequence[tuple[str, float]]) -> dict[str, Cell]:
    """The cells of one state, its edits as JSON each, and of what the model said there, best class first."""
    label, probability = top[0] if top else (None, None)
    return {
        "edits": f"[{', '.join(edits)}]",
        "logits": json.dumps(unpack_logits(logits)),
        "top1": label,
        "top1_probability": probability,
        "topk": _READABLE.encode(top),
    }


def _edit_cells(edit: Edit | None, which: str) -> dict[str, Cell]:
    return {
        f"op{which}": edit.op.value if edit else None,
        f"strength{which}": edit.strength if edit else None,
    }
