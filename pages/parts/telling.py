"""A row in plain words: one sentence for what happened, and its recorded fields with their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pages.parts.sheets import percent
from pages.parts.surroundings import answer_in_words, told_around
from study.class_events import ClassesChanged
from study.concept_events import ConceptSearched
from study.events import readable
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.predictions import Shown, unpack_logits
from study.preview_events import InterventionPreviewed
from study.records import Record
from study.scenario_events import InterventionRecalled, ScenarioDeleted, ScenarioRenamed, ScenarioSaved
from study.session_events import (
    ConsentAnswer,
    ConsentGiven,
    ConsentScopeChanged,
    ConsentShown,
    SessionCompleted,
    SessionPaused,
    SessionResumed,
    SessionStarted,
)
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import (
    ConceptInspected,
    ExplanationChanged,
    ExplanationViewed,
    PageEntered,
    ResponseChanged,
    ResponseSubmitted,
    StimulusShown,
    TaskStarted,
    TaskSubmitted,
)
from study.visit_events import PictureClosed, PictureOpened

# what a component of a task is called: its name and number where the dictionary is at hand, else its number
Name = Callable[[str, int], str]

_OVERLAYS = {
    "off": "the plain picture",
    "fires": "where {} fires",
    "pushes": "where {} pushes",
    "masked": "what masking costs",
}
_TURNS = {
    InterventionUndone: "Took the last step back",
    InterventionRedone: "Did it again",
    InterventionReset: "Reset",
    InterventionRecalled: "Brought a scenario back",
}
_LONGEST = 600


def told_of(record: Record, name: Name) -> str:
    """What happened, in one line."""
    event = record.event
    match event:
        case None:
            line = f"{record.name} (erased)"
        case InterventionApplied():
            line = f"{_setting(event, name)}: {_moved(event)}"
        case InterventionCompared():
            line = _compared(event)
        case InterventionPreviewed():
            line = f"Rested at {_number(event.value, event.unit)} on {name(event.task, event.component)}"
        case Intervention():
            line = f"{_turned(event, name)}: {_moved(event)}"
        case ModelPredicted():
            line = f"The model says {_said(event.after)}"
        case ConceptInspected() | ConceptSearched():
            line = _sought(event, name)
        case PictureOpened() | PictureClosed():
            line = _visited(event)
        case ClassesChanged() | ScenarioSaved() | ScenarioRenamed() | ScenarioDeleted():
            line = _reclassed(event) if isinstance(event, ClassesChanged) else _kept(event)
        case ExplanationChanged():
            line = _drew(event, name)
        case ResponseChanged() | ResponseSubmitted():
            verb = "Wrote" if isinstance(event, ResponseChanged) else "Answered"
            line = f"{verb} on “{event.item}”: {answer_in_words(event.text, event.number)}"
        case _:
            line = _around(record)
    return line


def _compared(event: InterventionCompared) -> str:
    if (event.of, event.against) == ("standing", "original"):
        return f"Compared with the model without edits: {_said(event.other)}"
    words = {"standing": "what stands", "original": "the model without edits"}
    one, other = (words.get(each, "a scenario") for each in (event.of, event.against))
    first = event.after if event.one is None else event.one
    return f"Compared {one}, {_said(first)}, with {other if other != one else 'another'}, {_said(event.other)}"


def _turned(event: Intervention, name: Name) -> str:
    if isinstance(event, InterventionMuted | InterventionUnmuted):
        verb = "Muted" if isinstance(event, InterventionMuted) else "Unmuted"
        return f"{verb} {name(event.task, event.component)}"
    return _TURNS[type(event)]


def _sought(event: ConceptInspected | ConceptSearched, name: Name) -> str:
    if isinstance(event, ConceptInspected):
        return f"Looked at {name(event.task, event.component)}"
    asked = {
        "word": f"for “{event.text}”",
        "region": f"in {len(event.patches)} patches",
        "move": f"for what moves “{event.origin}” to “{event.to}”",
    }[event.how]
    first = f", first {name(event.task, event.found[0])}" if event.found else ""
    return f"Searched {asked}: {len(event.found)} components{first}"


def fields_of(record: Record) -> Iterator[tuple[str, str]]:
    """The payload's fields, deep ones by their path; packed logits as numbers, long texts cut."""
    if record.event is not None:
        yield from _flat(readable(record.event), "")


def _around(record: Record) -> str:
    event = record.event
    match event:
        case SessionStarted():
            line = f"The session began: {event.participant}, {event.mode}, study {event.study} {event.study_version}"
        case SessionCompleted():
            line = f"The session ended: {event.outcome.replace('_', ' ')}"
        case SessionResumed():
            line = "The pause ended" if event.ends_pause else f"Came back after {event.gap_s:.0f} s"
        case SessionPaused():
            line = "A pause began"
        case ConsentShown():
            line = "The consent text was on the screen"
        case ConsentAnswer():
            given = event.given if isinstance(event, ConsentScopeChanged) else isinstance(event, ConsentGiven)
            line = f"{'Agreed' if given else 'Did not agree'} to “{event.scope}”"
        case TaskStarted():
            line = f"{'Practice' if event.practice else f'Task {event.order}'} began: {event.task}"
        case TaskSubmitted():
            line = f"Handed in task {event.task}"
        case StimulusShown():
            line = "The picture was shown"
        case ExplanationViewed():
            line = f"Components by attribution were shown: {event.toward} against {event.against}"
        case PageEntered():
            line = f"Opened the {event.page}"
        case _:
            line = told_around(record)
    return line


def _setting(event: InterventionApplied, name: Name) -> str:
    what = name(event.task, event.component)
    if event.tool == "restore":
        return f"Took the edit of {what} out"
    if event.tool == "suppress" and event.value == 0:
        return f"Suppressed {what}{event.reach}"
    verb = {"suppress": "Suppressed", "amplify": "Amplified", "set": "Set", "add": "Added to"}.get(
        event.tool, event.tool
    )
    amount = f": {event.amount}" if event.tool == "add" else f" to {event.amount}"
    return f"{verb} {what}{amount}{event.reach}"


def _number(value: float, unit: str) -> str:
    return f"{value:g} {({'factor': 'times', 'p99': 'p99', 'code': 'codes'})[unit]}"


def _visited(event: PictureOpened | PictureClosed) -> str:
    if isinstance(event, PictureClosed):
        return "Went back to the task's picture"
    return f"Opened another picture, which shows “{event.shows}”: {_said(event.before)} → {_said(event.after)}"


def _kept(event: ScenarioSaved | ScenarioRenamed | ScenarioDeleted) -> str:
    if isinstance(event, ScenarioSaved):
        return f"Saved the edits as the scenario “{event.title}”: {_said(event.after)}"
    return f"Renamed a scenario “{event.title}”" if isinstance(event, ScenarioRenamed) else "Deleted a scenario"


def _reclassed(event: ClassesChanged) -> str:
    if not event.labels:
        return "Put the task's classes back"
    return f"Put other classes in: {', '.join(event.labels)}: {_said(event.before)} → {_said(event.after)}"


def _drew(event: ExplanationChanged, name: Name) -> str:
    if event.overlay is None:
        if event.layout is not None:
            return f"Drew the components as a {event.layout}"
        if event.toward is None:
            return f"Asked for the explanation by {event.view}"
        return f"Asked what speaks for “{event.toward}” rather than “{event.against}”"
    whose = "it" if event.component is None else name(event.task, event.component)
    return f"Drew {_OVERLAYS.get(event.overlay, event.overlay).format(whose)}"


def _moved(event: Intervention) -> str:
    return f"{_said(event.before)} → {_said(event.after)}"


def _said(seen: Shown) -> str:
    return f"{seen.top[0].label} {percent(seen.top[0].probability)}" if seen.top else "nothing"


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif path.endswith("logits") and isinstance(value, str):
        yield path, " ".join(f"{logit:.3f}" for logit in unpack_logits(value))
    elif value is not None and value != "":
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield path, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
