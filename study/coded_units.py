"""What people code: every intervention, utterance and answer of a session, in order, each with its context."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from study.corrections import speech_of
from study.log import EventLog
from study.practice import practised
from study.predictions import Shown
from study.preview_events import InterventionPredicted
from study.prompt_events import PromptAnswered
from study.records import Record
from study.speech import names_in
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
)
from study.strategies import DEFINITIONS, codes_of
from study.task_events import ResponseSubmitted
from study.times import seconds_of
from study.units import units_in

Kind = Literal["intervention", "utterance", "answer"]
Naming = Callable[[str, int], str]  # what a task's component is called, from the task's key and its number


def _by_number(_task: str, component: int) -> str:
    return f"component {component}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Something said aloud, on the session's clock."""

    id: str
    seconds: float
    speaker: str
    text: str
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedUnit:
    """One thing that codes are given to; `id` is that of the event or utterance that it is."""

    id: str
    kind: Kind
    session: str
    participant: str
    seconds: float  # since the session's first row
    seq: int | None = None  # the row of the session that it is; None for an utterance
    task: str = ""
    attempt: int = 1
    words: str = ""  # what was done, what was asked, or who spoke
    said: str = ""  # an utterance's or an answer's own words
    before: str = ""  # the prediction on either side
    after: str = ""


def coded_units(
    records: Sequence[Record], sayings: Iterable[Saying] = (), *, named: Naming = _by_number
) -> tuple[CodedUnit, ...]:
    """The units of one session by when they were, practice left out; none where its words were erased."""
    units: list[CodedUnit] = []
    left_out = practised(records)
    for record, second in zip(records, seconds_of(records), strict=True):
        event = record.event
        if isinstance(event, Intervention):
            words = _done(event, named)
            before, after = _answer(event.before), _answer(event.after)
            unit = _unit(record, second, "intervention", event.task, event.attempt, words, before=before, after=after)
        elif isinstance(event, ResponseSubmitted):
            unit = _unit(
                record, second, "answer", event.task, event.attempt, event.item, said=_words(event.text, event.number)
            )
        elif isinstance(event, PromptAnswered) and (event.text or event.number is not None):
            said = _words(event.text, event.number)
            unit = _unit(record, second, "answer", event.task or "", event.attempt, event.wording, said=said)
        elif isinstance(event, InterventionPredicted) and event.hypothesis:
            unit = _unit(record, second, "answer", event.task, event.attempt, "expected", said=event.hypothesis)
        else:
            continue
        units.append(unit)
    session, who = (records[0].session_id, _participant(records[0])) if records else ("", "")
    units += [
        CodedUnit(
            id=one.id,
            kind="utterance",
            session=session,
            participant=who,
            seconds=one.seconds,
            task=one.task,
            words=one.speaker,
            said=one.text,
        )
        for one in sayings
        if records and records[0].event is not None
    ]
    counted = (unit for unit in units if unit.task not in left_out)
    return tuple(sorted(counted, key=lambda unit: unit.seconds))  # stable: rows keep the order of their numbers


def session_units(log: EventLog, session: str, *, named: Naming = _by_number) -> tuple[CodedUnit, ...]:
    """The units of one session of the log."""
    return coded_units(log.read(session), sayings_of(log, session), named=named)


def sayings_of(log: EventLog, session: str) -> tuple[Saying, ...]:
    """What was said in one session of the log, each speaker as `names_in` calls them."""
    speech = speech_of(log, session)
    names = names_in(log.read(session), speech)
    return tuple(
        Saying(
            id=one.id,
            seconds=one.begin_ns / 1e9,
            speaker=names[one.id],
            text=one.text,
            task=one.task or "",
        )
        for one in speech
    )


def rule_codes(records: Iterable[Record]) -> dict[str, tuple[str, ...]]:
    """The names of the rules' codes by the id of each intervention; a span's code is that of each unit in it."""
    units = units_in(records)
    places = [unit.seq for unit in units]
    found: dict[str, list[str]] = {unit.event_id: [] for unit in units}
    for code in codes_of(units):
        for unit in units[bisect_left(places, code.first) : bisect_right(places, code.last)]:
            if code.layer != "pattern" or unit.act != "compared":
                found[unit.event_id].append(code.name)
    order = list(DEFINITIONS)
    return {event: tuple(sorted(set(names), key=order.index)) for event, names in found.items()}


def _unit(
    record: Record,
    seconds: float,
    kind: Kind,
    task: str,
    attempt: int,
    words: str,
    *,
    said: str = "",
    before: str = "",
    after: str = "",
) -> CodedUnit:
    return CodedUnit(
        id=record.event_id,
        kind=kind,
        session=record.session_id,
        participant=_participant(record),
        seconds=seconds,
        seq=record.seq,
        task=task,
        attempt=attempt,
        words=words,
        said=said,
        before=before,
        after=after,
    )


def _words(text: str, number: float | None) -> str:
    return " ".join(filter(None, ("" if number is None else f"{number:g}", text)))


def _participant(record: Record) -> str:
    return str(record.row["participant_pseudonym"] or "")


def _done(event: Intervention, name: Naming) -> str:
    match event:
        case InterventionApplied():
            plain = event.tool == "restore" or (event.tool == "suppress" and event.value == 0)
            amount = {
                "factor": f"{event.value:g}×",
                "p99": f"{event.value:g} p99",
                "code": f"a code of {event.value:g}",
            }
            to = "" if plain else f" {'by' if event.tool == 'add' else 'to'} {amount[event.unit]}"
            reach = "" if event.tool == "restore" else event.reach
            return f"{event.tool} {name(event.task, event.component)}{to}{reach}"
        case InterventionUndone():
            return "undo"
        case InterventionRedone():
            return "redo"
        case InterventionReset():
            return "reset all edits"
        case _:
            return event.name.partition(".")[2]


def _answer(seen: Shown) -> str:
    return f"{seen.top[0].label} {seen.top[0].probability:.0%}" if seen.top else ""
