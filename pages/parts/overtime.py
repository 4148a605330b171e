"""What has run out is closed by the server: a task's time or a session's, by whoever sees it first."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pages.parts.rig import Rig
from study.events import Event
from study.limits import Countdown, session_countdown, task_countdown
from study.log import LogMoved
from study.records import Record
from study.session import Session, Step, ended
from study.session_events import SessionTimedOut
from study.task_events import TaskTimedOut
from study.times import since


def countdown_of(here: Rig, records: Sequence[Record], place: Session) -> Countdown | None:
    """The time that is left for the task a participant is at; None where it has no limit."""
    if place.task is None or place.step not in (Step.WORKSPACE, Step.ANSWER):
        return None
    return task_countdown(records, here.script.tasks[place.task].limits, place.task, place.attempt)


def close_what_is_over(here: Rig, session_id: str, records: Sequence[Record], place: Session) -> bool:
    """Write that a limit has passed, once; whether the session has moved on, by that or by another's act meanwhile."""
    if place.finished or place.paused or not records:
        return False
    now = here.log.now()
    whole = session_countdown(records, here.script.modes.remote if place.mode == "remote" else None)
    if whole is not None and not whole.left_s(now):
        over = SessionTimedOut(limit="max_minutes", gap_s=since(records[-1], now))
        return _closed(here, session_id, records, over, key="max_minutes")
    task = countdown_of(here, records, place)
    if task is None or task.left_s(now):
        return False
    late = TaskTimedOut(task=str(place.task), attempt=place.attempt, limit_s=task.limit_s)
    key = f"timed out/{place.task}/{place.attempt}"
    return _closed(here, session_id, records, *ended(records, here.script, late), key=key, page=place.step)


def _closed(
    here: Rig, session_id: str, records: Sequence[Record], *happened: Event, key: str, page: Step | None = None
) -> bool:
    # what is handed in at the last moment counts: no row may follow it that says its time was over
    with suppress(LogMoved):
        here.log.append(session_id, *happened, key=key, actor="system", page=page, expect=records[-1].seq)
    return True
