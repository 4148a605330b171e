"""The answers of a session, folded from the log: as they were last left, and as they were handed in."""

from __future__ import annotations

from collections.abc import Iterable

from study.records import Record
from study.task_events import ResponseChanged, ResponseSubmitted


def drafts_in(records: Iterable[Record], task: str, attempt: int) -> dict[str, ResponseChanged]:
    """The answers to `task` as they were last left, by item."""
    held: dict[str, ResponseChanged] = {}
    for record in records:
        match record.event:
            case ResponseChanged() as event if event.task == task and event.attempt == attempt:
                held[event.item] = event
            case _:
                pass
    return held


def answers_in(records: Iterable[Record], task: str) -> dict[str, ResponseSubmitted]:
    """The last answer to each item of `task`."""
    given: dict[str, ResponseSubmitted] = {}
    for record in records:
        if isinstance(record.event, ResponseSubmitted) and record.event.task == task:
            given[record.event.item] = record.event
    return given
