"""Practice is a tutorial's task: each control of the workspace to be used once, ticked when the log has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from study.events import Event
from study.records import Record
from study.route import Stop
from study.script.part import STEERING
from study.steering_events import InterventionApplied
from study.task_events import ExplanationChanged, TaskStarted


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing to try: an event that has to happen, with a tool of its own where the tool matters."""

    id: str
    event: str
    tool: str = ""

    def is_met(self, event: Event) -> bool:
        """Whether `event` is this thing, tried."""
        if event.name != self.event or (isinstance(event, ExplanationChanged) and event.overlay is None):
            return False
        return not self.tool or (isinstance(event, InterventionApplied) and event.tool == self.tool)


_BY_TOOL = {
    "attribution": (Lesson("inspect", "concept.inspected"), Lesson("overlay", "explanation.changed")),
    "suppress": (Lesson("suppress", "intervention.applied", "suppress"),),
    "amplify": (Lesson("amplify", "intervention.applied", "amplify"),),
    "undo": (Lesson("undo", "intervention.undone"),),
    "redo": (Lesson("redo", "intervention.redone"),),
    "reset": (Lesson("reset", "intervention.reset"),),
}
_ORDER = ("attribution", "suppress", "amplify", "undo", "redo", "reset")
_BY_EVENT = {
    "concept.inspected": "inspect",
    "explanation.changed": "overlay",
    "intervention.applied": "steer",
    "intervention.undone": "undo",
    "intervention.redone": "redo",
    "intervention.reset": "reset",
    "intervention.predicted": "expect",
    "intervention.compared": "compare",
}


def practised(records: Iterable[Record]) -> frozenset[str]:
    """The tasks that were practised: a record keeps them and says so, an analysis leaves them out."""
    events = (record.event for record in records)
    return frozenset(event.task for event in events if isinstance(event, TaskStarted) and event.practice)


def lessons_of(stop: Stop) -> tuple[Lesson, ...]:
    """What a tutorial asks for: the events that the script requires, else each tool that it offers."""
    if stop.require:
        return tuple(Lesson(_BY_EVENT.get(name, name), name) for name in stop.require)
    steers = bool(STEERING & set(stop.tools))
    offered = [tool for tool in _ORDER if tool in stop.tools and (steers or tool == "attribution")]
    return tuple(lesson for tool in offered for lesson in _BY_TOOL[tool])


def learned(records: Iterable[Record], stop: Stop) -> tuple[bool, ...]:
    """Which of the stop's lessons were tried since its practice began."""
    lessons = lessons_of(stop)
    done = [False] * len(lessons)
    for record in records:
        event = record.event
        if event is None or getattr(event, "task", None) != stop.task:
            continue
        if isinstance(event, TaskStarted):
            done = [False] * len(lessons)
        done = [was or lesson.is_met(event) for was, lesson in zip(done, lessons, strict=True)]
    return tuple(done)
