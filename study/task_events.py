"""Events of working on a task: its screens, what was shown and looked at there, and the answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, Happening, InTask
from study.predictions import Real


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
    """A try at a task began; `order` counts the session's tasks from 1.

    `practice` marks the task of a tutorial: it has no order, and no analysis counts it.
    """

    name: ClassVar[str] = "task.started"
    order: int = 1
    condition: str = ""
    practice: bool = False

    def cells(self) -> dict[str, Cell]:
        order = None if self.practice else self.order
        return {"task_order": order, "condition": self.condition or None, "practice": self.practice}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSubmitted(InTask):
    """The participant handed in the answers of a task."""

    name: ClassVar[str] = "task.submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTimedOut(InTask):
    """The time for a task had run out before it was handed in; the task is over."""

    name: ClassVar[str] = "task.timed_out"
    limit_s: Real

    def cells(self) -> dict[str, Cell]:
        return {"limit_s": self.limit_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskExtended(InTask):
    """A moderator gave a task more time; `remaining_ms` is what was left of it before."""

    name: ClassVar[str] = "task.extended"
    results: ClassVar[frozenset[str]] = frozenset({"remaining_ms"})
    minutes: Real
    remaining_ms: Real | None = None

    def cells(self) -> dict[str, Cell]:
        return {"extended_minutes": self.minutes, "remaining_ms": self.remaining_ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSkipped(InTask):
    """A moderator took a task out of a session, for a reason; the task is over."""

    name: ClassVar[str] = "task.skipped"
    reason: str

    def cells(self) -> dict[str, Cell]:
        return {"reason": self.reason}

    def said(self) -> tuple[str, ...]:
        return (self.reason,)


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulusShown(InTask):
    """The picture of a task was shown, with the labels that the model chose from.

    `shows` is the right one, whether participants were told or not; rows of before do not say it.
    """

    name: ClassVar[str] = "stimulus.shown"
    image: str
    image_sha256: str
    labels: tuple[str, ...]
    labels_sha256: str
    shows: str = ""

    def target(self) -> str | None:
        return self.image

    def cells(self) -> dict[str, Cell]:
        return {
            "image": self.image,
            "image_sha256": self.image_sha256,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "labels_sha256": self.labels_sha256,
            "shows": self.shows or None,
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
    """The participant asked for another explanation of the same prediction, another drawing of it, or another map."""

    name: ClassVar[str] = "explanation.changed"
    results: ClassVar[frozenset[str]] = frozenset({"view_before", "before_state_id", "after_state_id"})
    view: str | None = None
    view_before: str | None = None
    toward: str | None = None
    against: str | None = None
    layout: str | None = None  # how the components are drawn
    overlay: str | None = None
    component: int | None = None  # whose map it is
    before_state_id: str | None = None
    after_state_id: str | None = None

    def target(self) -> str | None:
        return self.overlay or self.layout or self.view

    def state_ids(self) -> tuple[str | None, str | None]:
        return self.before_state_id, self.after_state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "view": self.view,
            "toward": self.toward,
            "against": self.against,
            "layout": self.layout,
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
class Response(InTask):
    """One answer of one task; words in `text`, a scale's value in `number`."""

    item: str
    text: str = ""
    number: Real | None = None

    def target(self) -> str | None:
        return self.item

    def cells(self) -> dict[str, Cell]:
        return {"item": self.item, "answer_text": self.text or None, "answer_number": self.number}

    def said(self) -> tuple[str, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseChanged(Response):
    """An answer as it stood when its writing paused; it counts for nothing until it is submitted."""

    name: ClassVar[str] = "response.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSubmitted(Response):
    """An answer as it was handed in."""

    name: ClassVar[str] = "response.submitted"
