"""Time left: worked out by hand, with a pause in the middle and more time given."""

from __future__ import annotations

import pytest

from study.events import Event
from study.limits import is_past_window, session_countdown, task_countdown
from study.records import Instant, Record
from study.script.setting import Remote
from study.script.tasks import Limits
from study.session_events import SessionPaused, SessionResumed, SessionStarted
from study.task_events import TaskExtended, TaskStarted

START = SessionStarted(study="s", study_version="1.0.0", script_sha256="5c", participant="P01")


def at(second: float, boot: str = "boot") -> Instant:
    return Instant(int(second * 1e9), int(second * 1e9), boot)


def rows(*timed: tuple[float, Event]) -> list[Record]:
    return [
        Record(
            event,
            {
                "session_id": "s1",
                "seq": place,
                "name": event.name,
                "srv_utc_ns": int(second * 1e9),
                "srv_mono_ns": int(second * 1e9),
                "boot_id": "boot",
            },
        )
        for place, (second, event) in enumerate(timed, start=1)
    ]


LIMITS = Limits(minutes=2, warn_at_minutes=1.5)


def test_a_pause_is_not_counted_and_more_time_is_added() -> None:
    happened = [(0.0, START), (10.0, TaskStarted(task="a")), (40.0, SessionPaused())]
    paused = task_countdown(rows(*happened), LIMITS, "a", 1)
    assert paused is not None
    assert (paused.left_s(at(40)), paused.left_s(at(400)), paused.warn_s) == (90.0, 90.0, 30.0)
    happened += [(100.0, SessionResumed(gap_s=60.0, ends_pause=True))]
    on = task_countdown(rows(*happened), LIMITS, "a", 1)
    assert on is not None and on.left_s(at(130)) == 60.0
    more = task_countdown(rows(*happened, (120.0, TaskExtended(task="a", minutes=3))), LIMITS, "a", 1)
    assert more is not None and more.left_s(at(130)) == 240.0


def test_the_time_is_never_less_than_none() -> None:
    held = task_countdown(rows((0.0, START), (10.0, TaskStarted(task="a"))), LIMITS, "a", 1)
    assert held is not None and held.left_s(at(10_000)) == 0.0


def test_a_task_without_limit_or_not_begun_has_no_countdown() -> None:
    begun = rows((0.0, START), (10.0, TaskStarted(task="a")))
    assert task_countdown(begun, Limits(), "a", 1) is None
    assert task_countdown(begun, LIMITS, "a", 2) is None
    assert task_countdown(begun, LIMITS, "b", 1) is None


def test_a_session_has_its_own_limit() -> None:
    held = session_countdown(rows((0.0, START), (60.0, TaskStarted(task="a"))), Remote(max_minutes=5))
    assert held is not None and held.left_s(at(120)) == 180.0
    assert session_countdown(rows((0.0, START)), None) is None
    # an hour away is no hour of the session
    back = rows((0.0, START), (60.0, TaskStarted(task="a")), (3660.0, SessionResumed(gap_s=3600.0)))
    resumed = session_countdown(back, Remote(max_minutes=5))
    assert resumed is not None and resumed.left_s(at(3720)) == 180.0


@pytest.mark.parametrize(("hours", "past"), [(0.9, False), (1.1, True)])
def test_a_session_left_for_longer_than_the_window_is_past_it(hours: float, past: bool) -> None:
    held = rows((0.0, START))
    assert is_past_window(held, Remote(resume_window_hours=1), at(hours * 3600)) is past
    # across a restart of the machine the wall clock counts
    assert is_past_window(held, Remote(resume_window_hours=1), at(hours * 3600, "another")) is past
    assert not is_past_window(held, Remote(), at(1e9))
