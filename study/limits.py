"""How much time is left, for a task and for a session: pauses stand still, and a moderator may give more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from study.records import Instant, Record
from study.script.setting import Remote
from study.script.tasks import Limits
from study.session_events import SessionResumed
from study.task_events import TaskExtended, TaskStarted
from study.times import moments_of, paused_after, since


@dataclass(frozen=True, slots=True)
class Countdown:
    """A limit as it stood at a session's last row.

    `used_s` leaves pauses out; `warn_s` is what is left when a warning is due.
    """

    limit_s: float
    used_s: float
    last: Record
    paused: bool
    warn_s: float = 0.0

    def left_s(self, now: Instant) -> float:
        """Seconds that are left at `now`; 0 when it is over."""
        running = 0.0 if self.paused else since(self.last, now)
        return max(0.0, self.limit_s - self.used_s - running)


def task_countdown(records: Sequence[Record], limits: Limits, task: str, attempt: int) -> Countdown | None:
    """The time that an attempt has left; None where it has no limit or has not begun."""
    begun, more = None, 0.0
    for place, record in enumerate(records):
        match record.event:
            case TaskStarted() as event if (event.task, event.attempt) == (task, attempt):
                begun = place
            case TaskExtended() as event if (event.task, event.attempt) == (task, attempt):
                more += 60 * event.minutes
            case _:
                pass
    if begun is None or limits.minutes is None:
        return None
    warn = 60 * (limits.minutes - limits.warn_at_minutes) if limits.warn_at_minutes is not None else 0.0
    return _countdown(records, begun, 60 * limits.minutes + more, warn)


def session_countdown(records: Sequence[Record], remote: Remote | None) -> Countdown | None:
    """The time that a remote session has left; None where it has no limit.

    Time away is not counted: what lies before the link was opened again.
    """
    if not records or remote is None or remote.max_minutes is None:
        return None
    away = sum(
        after.working - before.working
        for (before, after), record in zip(pairwise(moments_of(records)), records[1:], strict=True)
        if isinstance(record.event, SessionResumed)
    )
    return _countdown(records, 0, 60 * remote.max_minutes + away, 0.0)


def is_past_window(records: Sequence[Record], remote: Remote | None, now: Instant) -> bool:
    """Whether the session was left for longer than `resume_window_hours`."""
    if not records or remote is None or remote.resume_window_hours is None:
        return False
    return since(records[-1], now) > 3600 * remote.resume_window_hours


def _countdown(records: Sequence[Record], begun: int, limit_s: float, warn_s: float) -> Countdown:
    moments = moments_of(records)
    paused = False
    for record in records:
        paused = paused_after(paused, record)
    return Countdown(limit_s, moments[-1].working - moments[begun].working, records[-1], paused, warn_s)
