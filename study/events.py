"""What can happen in a study: one frozen class per kind of event, each owning its exported cells.

An old row must read for ever: a new field gets a default, a changed meaning gets a new kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, get_args

from pydantic import TypeAdapter

from core.types import Edit, Scope, TillerError
from study.predictions import LoggedEdit, Real, Shown, unpack_logits
from study.state import Pinned, State, canonical, digest

SCHEMA_VERSION = 1

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What every kind shares: its place in the table, and which fields were not asked for but found."""

    name: ClassVar[str]
    results: ClassVar[frozenset[str]] = frozenset()  # fields computed in answering, which a retry may fill otherwise
    result: ClassVar[bool] = False  # the whole event is computed in answering

    def target(self) -> str | None:
        """What the act was about, for the `target` column; never free text."""
        return None

    def states(self) -> tuple[State, ...]:
        """States that this event refers to, to be kept in full."""
        return ()

    def state_ids(self) -> tuple[str | None, str | None]:
        """Ids of the state before and after, for their columns."""
        return None, None

    def cells(self) -> dict[str, Cell]:
        """The kind's own columns in the tidy export."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Happening):
    """The first row of a participant's stream; the study's place columns are copied from it into every later row."""

    name: ClassVar[str] = "session.started"
    study: str
    study_version: str
    script_sha256: str
    participant: str
    mode: str = "remote"  # moderated, remote, preview or bot
    app_version: str = ""
    slot: int | None = None

    def cells(self) -> dict[str, Cell]:
        return {"study_version": self.study_version, "app_version": self.app_version, "slot": self.slot}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed(Happening):
    """The link was opened again, `gap_s` seconds after the last row."""

    name: ClassVar[str] = "session.resumed"
    results: ClassVar[frozenset[str]] = frozenset({"gap_s"})
    gap_s: Real

    def cells(self) -> dict[str, Cell]:
        return {"gap_s": self.gap_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCompleted(Happening):
    """The session is over and takes no further act; `outcome` is `completed` or `no_consent`."""

    name: ClassVar[str] = "session.completed"
    outcome: str = "completed"

    def cells(self) -> dict[str, Cell]:
        return {"outcome": self.outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWithdrawn(Happening):
    """The participant took part no longer and wants the data gone; may follow completion."""

    name: ClassVar[str] = "session.withdrawn"
    reason: str = ""

    def cells(self) -> dict[str, Cell]:
        return {"reason": self.reason or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentShown(Happening):
    """The consent text was on the screen, in the wording that `text_sha256` names."""

    name: ClassVar[str] = "consent.shown"
    text_sha256: str
    scopes: tuple[str, ...]

    def cells(self) -> dict[str, Cell]:
        return {"text_sha256": self.text_sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAnswer(Happening):
    """One scope was answered, with the text as it then stood."""

    scope: str
    text_sha256: str

    def target(self) -> str | None:
        return self.scope

    def cells(self) -> dict[str, Cell]:
        return {"consent_scope": self.scope, "text_sha256": self.text_sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(ConsentAnswer):
    """One scope was allowed."""

    name: ClassVar[str] = "consent.given"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRefused(ConsentAnswer):
    """One scope was refused."""

    name: ClassVar[str] = "consent.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class InTask(Happening):
    """Something that belongs to one try at one task."""

    task: str
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEntered(Happening):
    """A screen was opened; inside a task this is how the step moves between workspace and answer."""

    name: ClassVar[str] = "page.entered"
    page: str
    task: str | None = None
    attempt: int = 1

    def target(self) -> str | None:
        return self.page


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLeft(Happening):
    """A screen was left by its own way on."""

    name: ClassVar[str] = "page.left"
    results: ClassVar[frozenset[str]] = frozenset({"dwell_ms"})
    page: str
    task: str | None = None
    attempt: int = 1
    dwell_ms: Real | None = None

    def target(self) -> str | None:
        return self.page

    def cells(self) -> dict[str, Cell]:
        return {"dwell_ms": self.dwell_ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted(InTask):
    """A try at a task began; `order` counts the session's tasks from 1."""

    name: ClassVar[str] = "task.started"
    order: int = 1
    condition: str = ""

    def cells(self) -> dict[str, Cell]:
        return {"task_order": self.order, "condition": self.condition or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSubmitted(InTask):
    """The participant handed in the answers of a task."""

    name: ClassVar[str] = "task.submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulusShown(InTask):
    """The picture of a task was shown, with the labels that the model chose from."""

    name: ClassVar[str] = "stimulus.shown"
    image: str
    image_sha256: str
    labels: tuple[str, ...]
    labels_sha256: str

    def target(self) -> str | None:
        return self.image

    def cells(self) -> dict[str, Cell]:
        return {
            "image": self.image,
            "image_sha256": self.image_sha256,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "labels_sha256": self.labels_sha256,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationViewed(InTask):
    """An attribution was on the screen, with its components in the order shown."""

    name: ClassVar[str] = "explanation.viewed"
    results: ClassVar[frozenset[str]] = frozenset({"components"})
    view: str
    toward: str  # the label whose margin was explained
    against: str
    components: tuple[int, ...] = ()

    def target(self) -> str | None:
        return self.view

    def cells(self) -> dict[str, Cell]:
        return {
            "view": self.view,
            "toward": self.toward,
            "against": self.against,
            "components_shown": " ".join(map(str, self.components)) or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationChanged(InTask):
    """The participant asked for another explanation of the same prediction, or another map over the picture."""

    name: ClassVar[str] = "explanation.changed"
    results: ClassVar[frozenset[str]] = frozenset({"view_before", "before_state_id", "after_state_id"})
    view: str | None = None
    view_before: str | None = None
    toward: str | None = None
    against: str | None = None
    overlay: str | None = None
    component: int | None = None  # whose map it is
    before_state_id: str | None = None
    after_state_id: str | None = None

    def target(self) -> str | None:
        return self.overlay or self.view

    def state_ids(self) -> tuple[str | None, str | None]:
        return self.before_state_id, self.after_state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "view": self.view,
            "toward": self.toward,
            "against": self.against,
            "overlay": self.overlay,
            "component": self.component,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptInspected(InTask):
    """One component's card was opened."""

    name: ClassVar[str] = "concept.inspected"
    component: int

    def target(self) -> str | None:
        return f"component/{self.component}"

    def cells(self) -> dict[str, Cell]:
        return {"component": self.component}


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
            **_pinned_cells(self.pinned),
            **_shown_cells(self.before, "_before"),
            **_shown_cells(self.after, "_after"),
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
            **_pinned_cells(self.pinned),
            **_shown_cells(self.after, "_after"),
            "latency_ms": self.latency_ms,
            "cache_hit": self.cache_hit,
            "edit_norm_ratio": self.edit_norm_ratio,
            "environment_sha256": digest(canonical(self.environment)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSubmitted(InTask):
    """One answer of one task; words in `text`, a scale's value in `number`."""

    name: ClassVar[str] = "response.submitted"
    item: str
    text: str = ""
    number: Real | None = None

    def target(self) -> str | None:
        return self.item

    def cells(self) -> dict[str, Cell]:
        return {"item": self.item, "answer_text": self.text or None, "answer_number": self.number}


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemErrored(Happening):
    """Something broke; `reference` is the number that the participant was shown and the server's log holds."""

    name: ClassVar[str] = "system.error"
    reference: str
    where: str
    error: str  # the class of the exception

    def target(self) -> str | None:
        return self.where

    def cells(self) -> dict[str, Cell]:
        return {"reference": self.reference, "error": self.error}


Event = (
    SessionStarted
    | SessionResumed
    | SessionCompleted
    | SessionWithdrawn
    | ConsentShown
    | ConsentGiven
    | ConsentRefused
    | PageEntered
    | PageLeft
    | TaskStarted
    | TaskSubmitted
    | StimulusShown
    | ExplanationViewed
    | ExplanationChanged
    | ConceptInspected
    | InterventionApplied
    | InterventionUndone
    | InterventionRedone
    | InterventionReset
    | InterventionFailed
    | ModelPredicted
    | ResponseSubmitted
    | SystemErrored
)

KINDS: dict[str, type[Event]] = {kind.name: kind for kind in get_args(Event)}


class UnknownKind(TillerError):
    """A row holds a kind of event that this version has no class for."""


def payload_of(event: Event) -> dict[str, object]:
    """The event's fields as plain values, ready for canonical JSON."""
    return _adapter(event.name).dump_python(event)


def readable(event: Event) -> dict[str, object]:
    """The event's fields as ordinary JSON values, numbers as numbers; not what digests are made of.

    What is no number to JSON (NaN, infinity) is None here.
    """
    return json.loads(_adapter(event.name).dump_json(event))


def event_in(name: str, payload: str) -> Event:
    """The event that canonical JSON `payload` holds; the inverse of `canonical(payload_of(event))`."""
    return _adapter(name).validate_python(json.loads(payload))


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind(
            f"Event kind {name!r} was met; schema version {SCHEMA_VERSION} has {len(KINDS)} kinds without it. "
            "Read this log with the version of Tiller that wrote it, or a later one."
        )
    return TypeAdapter(kind)


def _pinned_cells(pinned: Pinned) -> dict[str, Cell]:
    return {
        "model_sha256": pinned.model_sha256,
        "dictionary_sha256": pinned.dictionary_sha256,
        "image_sha256": pinned.image_sha256,
        "labels_sha256": pinned.labels_sha256,
        "view": pinned.explanation,
    }


def _shown_cells(seen: Shown, when: str) -> dict[str, Cell]:
    best = seen.top[0] if seen.top else None
    plain: list[Mapping[str, object]] = [
        {"component": e.component, "op": e.op, "strength": e.strength, "scope": e.scope, "patches": list(e.patches)}
        for e in seen.edits
    ]
    return {
        f"edits{when}": json.dumps(plain),
        f"logits{when}": json.dumps(unpack_logits(seen.logits)),
        f"top1{when}": best.label if best else None,
        f"top1_probability{when}": best.probability if best else None,
        f"topk{when}": json.dumps([[one.label, one.probability] for one in seen.top], ensure_ascii=False),
    }


def _edit_cells(edit: Edit | None, which: str) -> dict[str, Cell]:
    return {
        f"op{which}": edit.op.value if edit else None,
        f"strength{which}": edit.strength if edit else None,
    }
