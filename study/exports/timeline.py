"""A session as text that a person can read and code: one line for each thing done or said, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.concept_events import ConceptSearched
from study.consent import given
from study.moderator_events import ModeratorNoteAdded
from study.practice import practised
from study.predictions import Shown
from study.preview_events import InterventionPredicted
from study.prompt_events import PromptAnswered, PromptShown
from study.records import Record
from study.session_events import SessionPaused, SessionResumed
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionUndone,
)
from study.task_events import (
    ConceptInspected,
    ExplanationChanged,
    ResponseSubmitted,
    TaskSkipped,
    TaskStarted,
    TaskTimedOut,
)
from study.visit_events import PictureOpened

if TYPE_CHECKING:
    from study.exports.speech import Spoken

WITHHELD = "(words withheld: no consent to quote them)"


@dataclass(frozen=True, slots=True)
class Line:
    """One row's line; `start` and `end` count code points from 0, half-open, without the line's end."""

    seq: int
    event_id: str
    start: int
    end: int
    practice: bool = False


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """One utterance's line; `number` is its place among the session's utterances."""

    number: int
    utterance: str
    event_id: str
    start: int
    end: int
    practice: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """The text of one session, lines ended by LF, and where the line of each row and of each utterance lies."""

    text: str
    lines: tuple[Line, ...]
    spoken: tuple[SpokenLine, ...] = ()


def timeline_of(records: Iterable[Record], spoken: Iterable[Spoken] = ()) -> Timeline:
    """What was done and said, in order; a participant's own words only where the consent to quote them stands.

    The lines of practice say so.
    """
    held = list(records)
    tried = practised(held)
    quotable = given(held, "quote")
    said: dict[int, list[Spoken]] = {}
    for one in spoken:
        said.setdefault(one.of.after_seq, []).append(one)
    parts: list[str] = []
    lines: list[Line] = []
    voices: list[SpokenLine] = []
    place = 0
    for record in (None, *held):
        words = None if record is None else _words(record, quotable)
        if record is not None and words is not None:
            practice = getattr(record.event, "task", None) in tried
            line = f"[#{record.seq}] {'practice: ' if practice else ''}{words}".replace("\r\n", "\n").replace(
                "\r", "\n"
            )
            lines.append(Line(record.seq, record.event_id, place, place + len(line), practice))
            parts.append(line)
            place += len(line) + 1
        for one in said.get(0 if record is None else record.seq, ()):
            line = f"{one.who}: {one.words}"
            end = place + len(line)
            voices.append(SpokenLine(one.of.number, one.of.id, one.of.event_id, place, end, one.of.task in tried))
            parts.append(line)
            place += len(line) + 1
    return Timeline("".join(f"{part}\n" for part in parts), tuple(lines), tuple(voices))


def _words(record: Record, quotable: bool) -> str | None:
    event = record.event
    match event:
        case TaskStarted():
            return f"task {event.task}, attempt {event.attempt}"
        case ConceptInspected():
            return f"look at component {event.component}"
        case ExplanationChanged():
            return _explained(event)
        case Intervention() | PictureOpened():
            done = f"open another picture ({event.of})" if isinstance(event, PictureOpened) else _act(event)
            return f"{done} | {_said(event.before)} -> {_said(event.after)}"
        case ResponseSubmitted():
            return f"{_who(record)} on {event.item}: {_answer(event, quotable)}"
        case _:
            return _around(record, quotable)


def _explained(event: ExplanationChanged) -> str:
    if event.overlay:
        return f"draw {event.overlay}" + ("" if event.component is None else f" of component {event.component}")
    if event.layout:
        return f"draw the components as a {event.layout}"
    return f"explain by {event.view}" + (f": {event.toward} against {event.against}" if event.toward else "")


def _around(record: Record, quotable: bool) -> str | None:
    event = record.event
    line: str | None = None
    match event:
        case InterventionPredicted():
            words = _quoted(event.hypothesis, quotable)
            line = f"{_who(record)} expects {_expected(event)}{': ' if words else ''}{words}"
        case ConceptSearched():
            asked = "" if not event.text else f" for {_quoted(event.text, quotable)}"
            line = f"search by {event.how}{asked}: {len(event.found)} components"
        case PromptShown():
            line = f"prompt {event.prompt}: {event.wording}"
        case PromptAnswered():
            line = f"{_who(record)} on {event.item or event.prompt}: {_answer(event, quotable)}"
        case ModeratorNoteAdded():
            line = f"{event.who} notes: {event.text}"
        case SessionPaused():
            line = "pause"
        case SessionResumed() if event.ends_pause:
            line = "go on"
        case TaskTimedOut():
            line = f"task {event.task} is out of time"
        case TaskSkipped():
            line = f"task {event.task} is skipped"
        case _:
            pass
    return line


def _who(record: Record) -> str:
    return str(record.row["participant_pseudonym"] or "participant")


def _quoted(words: str, quotable: bool) -> str:
    return words if quotable or not words else WITHHELD


def _answer(event: ResponseSubmitted | PromptAnswered, quotable: bool) -> str:
    number = "" if event.number is None else f"{event.number:g}"
    return " ".join(filter(None, (number, _quoted(event.text, quotable))))


def _expected(event: InterventionPredicted) -> str:
    chance = "" if event.probability is None else f" at {event.probability:g}"
    parts = (
        f"{event.label} {event.direction}" if event.direction else "",
        f"{event.top1} on top{chance}" if event.top1 else "",
    )
    return ", ".join(filter(None, parts)) or "something"


def _act(event: Intervention) -> str:
    if isinstance(event, InterventionCompared):
        return f"compare with {_said(event.other)}"
    if isinstance(event, InterventionApplied):
        plain = event.tool == "restore" or (event.tool == "suppress" and event.value == 0)
        to = "" if plain else f" {'by' if event.tool == 'add' else 'to'} {event.amount}"
        return f"{event.tool} component {event.component}{to}{'' if event.tool == 'restore' else event.reach}"
    if isinstance(event, InterventionUndone):
        return "undo"
    return "redo" if isinstance(event, InterventionRedone) else "reset"


def _said(seen: Shown) -> str:
    return f"{seen.top[0].label} {seen.top[0].probability:.2f}" if seen.top else "nothing"
