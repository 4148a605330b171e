"""What was on a participant's screen when a row was written: told from whole acts, so that none is seen half done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from study.answers import drafts_in
from study.records import Record
from study.script import StudyScript
from study.session import Session, session_in
from study.task_events import Response, ResponseSubmitted

# What these acts lead to is another screen; they are shown on the one on which they were made.
LEAVING = frozenset({"consent.given", "consent.refused", "task.started", "response.submitted", "task.submitted"})


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen, named by `place.step`: the rows it follows from, and its answers as far as given, by item."""

    records: Sequence[Record]
    place: Session
    answers: Mapping[str, Response]


def screen_at(records: Sequence[Record], seq: int, script: StudyScript) -> Screen:
    """The screen of row `seq` of `records`, which are all rows of a session.

    The rows of one act were written together: any of them shows the act done. Rows that lead to another screen are
    shown on the one they leave, with what was answered there.
    """
    at = seq - 1  # rows are numbered from 1 without a gap
    first, beyond = act_at(records, at)
    if records[at].name not in LEAVING:
        standing = records[:beyond]
        place = session_in(standing, script)
        return Screen(standing, place, _answers(standing, place))
    done = session_in(records[:beyond], script)
    place = replace(session_in(records[:first], script), consented=done.consented, refused=done.refused)
    return Screen(records[:first], place, _answers(records[:beyond], place))


def act_at(records: Sequence[Record], at: int) -> tuple[int, int]:
    """Where the act that row number `at` (from 0) belongs to begins, and where the next one does."""
    first = at
    while first > 0 and records[first].row["cause_event_id"] is not None:
        first -= 1
    cause, beyond = records[first].event_id, at + 1
    while beyond < len(records) and records[beyond].row["cause_event_id"] == cause:
        beyond += 1
    return first, beyond


def _answers(records: Sequence[Record], place: Session) -> dict[str, Response]:
    if place.task is None:
        return {}
    given: dict[str, Response] = {**drafts_in(records, place.task, place.attempt)}
    for record in records:
        match record.event:
            case ResponseSubmitted() as event if (event.task, event.attempt) == (place.task, place.attempt):
                given[event.item] = event
            case _:
                pass
    return given
