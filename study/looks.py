"""What a session of a rehearsal has to hold: each look yields a sentence for a fault, a number for what it counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from core.types import many
from study.consent import given
from study.instrument_events import InstrumentScored
from study.instruments import instrument_in
from study.log import EventLog
from study.media import faults_in, paths_of, recordings_of
from study.records import Record
from study.replay import Run, Verdict, replay
from study.route import Step, Stop, route_of
from study.script import StudyScript
from study.session_events import SessionCompleted, SessionStarted
from study.task_events import PageLeft, ResponseSubmitted, TaskSubmitted
from study.tone import tone


def stops(script: StudyScript, rows: Sequence[Record]) -> Iterator[str | int]:
    """The stops that were left, each once and in the order of the route; none that had to be is missing."""
    route = _route(script, rows)
    place = {stop.id: number for number, stop in enumerate(route)}
    left = [name for row in rows if (name := _left(row)) is not None]
    yield len(left)
    for name, times in Counter(left).items():
        if times > 1 or name not in place:
            yield f"stop {name!r} was left {times} times." if name in place else f"stop {name!r} is not on the route."
    at = [place[name] for name in left if name in place]
    if at != sorted(at):
        yield f"the stops were left as {', '.join(left)}, which is not their order."
    if not (isinstance(rows[-1].event, SessionCompleted) and rows[-1].event.outcome == "completed"):
        return
    skips = any(stop.skips for stop in route)
    for stop in route:
        passable = stop.only_if is not None or skips or stop.step in (Step.WELCOME, Step.CONSENT)
        if stop.id not in left and not passable:
            yield f"stop {stop.id!r} was never left."


def _left(row: Record) -> str | None:
    match row.event:
        case PageLeft() as event:
            return event.page
        case TaskSubmitted() as event:
            return event.task
        case _:
            return None


def _route(script: StudyScript, rows: Sequence[Record]) -> tuple[Stop, ...]:
    started = rows[0].event
    return route_of(script, started.levels, started.seed) if isinstance(started, SessionStarted) else ()


def answers(script: StudyScript, rows: Sequence[Record]) -> Iterator[str | int]:
    """The answers of every task and page that was left, each once."""
    found = Counter((row.event.task, row.event.item) for row in rows if isinstance(row.event, ResponseSubmitted))
    yield sum(found.values())
    left = {_left(row) for row in rows}
    for stop in _route(script, rows):
        asked = script.tasks[stop.id].answers if stop.is_task else stop.ask
        for question in asked if stop.id in left else ():
            if found[stop.id, question.id] != 1:
                yield f"the answer {question.id!r} of {stop.id!r} stands {found[stop.id, question.id]} times."


def scores(script: StudyScript, rows: Sequence[Record]) -> Iterator[str | int]:
    """A score for each scale of every questionnaire that was left."""
    left = {_left(row) for row in rows}
    scored = [row.event for row in rows if isinstance(row.event, InstrumentScored)]
    yield len(scored)
    for stop in _route(script, rows):
        use = stop.instrument
        if use is None or stop.id not in left:
            continue
        instrument = instrument_in(use.id, script.texts[use.items] if use.items else None, tool_name=use.tool_name)
        mine = [one for one in scored if (one.instrument, one.task) == (instrument.id, stop.task)]
        wanted = sorted(part.id for part in instrument.subscales)
        if sorted(one.subscale for one in mine) != wanted or any(one.score is None for one in mine):
            yield f"questionnaire {stop.id!r} has not one score for each of its {many(len(wanted), 'scale')}."


def replays(rows: Sequence[Record], run: Run) -> Iterator[str | int]:
    """The predictions, run again; `run` asks the model."""
    if not any(row.name == "model.predicted" for row in rows):
        return
    for one in replay(rows, run):
        exact = one.verdict is Verdict.BIT_EXACT
        yield 1 if exact else f"row {one.seq}, {one.name}, replays {one.verdict}: {one.reason}."


def recordings(log: EventLog, script: StudyScript, rows: Sequence[Record]) -> Iterator[str | int]:
    """The pieces of the recordings: each there, unchanged, and put end to end what was sent."""
    session = rows[0].session_id
    for fault in faults_in(log, session):
        yield f"recording {fault.media}, piece {fault.chunk}: {fault.reason}."
    found = recordings_of(log, session)
    spoken = script.think_aloud is not None and script.think_aloud.audio and given(rows, "audio")
    tasks = sum(row.name == "task.submitted" for row in rows) if spoken else 0
    if len(found) != tasks:
        yield f"{many(len(found), 'recording')} for {many(tasks, 'task')} that a voice was recorded in."
    for one in found:
        yield len(one.pieces)
        there = [path.read_bytes() for path in paths_of(log, session, one) if path.is_file()]
        if not one.stopped or one.missing or b"".join(there) != tone():
            yield f"recording {one.media} is not what was sent."
