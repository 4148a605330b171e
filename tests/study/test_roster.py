"""The list of sessions says of each what folding its rows says, without reading them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest

from study.erasure import erase
from study.log import EventLog
from study.roster import Entry, roster
from study.session_events import ConsentGiven, ConsentRefused, SessionCompleted, SessionStarted, SessionWithdrawn
from study.task_events import PageEntered, TaskStarted, TaskSubmitted

Start = Callable[..., SessionStarted]
CONSENT = ConsentGiven(scope="log", text_sha256="t")
TASK = TaskStarted(task="one")
# what was written after the start, and the state that a participant of the demo script is then in
WAYS = {
    "consent": ((),),
    "between tasks": ((CONSENT,), (CONSENT, TASK, TaskSubmitted(task="one"))),
    "workspace": (
        (CONSENT, TASK),
        (CONSENT, TASK, PageEntered(page="answer", task="one"), PageEntered(page="workspace", task="one")),
        (CONSENT, TASK, PageEntered(page="answer", task="one"), TaskSubmitted(task="one"), TaskStarted(task="two")),
    ),
    "answer": ((CONSENT, TASK, PageEntered(page="answer", task="one")),),
    "completed": ((CONSENT, TASK, TaskSubmitted(task="one"), SessionCompleted()),),
    "no consent": ((ConsentRefused(scope="log", text_sha256="t"), SessionCompleted(outcome="no_consent")),),
    "withdrawn": ((CONSENT, SessionWithdrawn()), (CONSENT, TASK, SessionCompleted(), SessionWithdrawn())),
}


@pytest.mark.parametrize(("state", "way"), [(state, way) for state, ways in WAYS.items() for way in ways])
def test_the_state_follows_from_names_and_places_alone(
    fresh_log: EventLog, start: Start, state: str, way: tuple[object, ...]
) -> None:
    fresh_log.append("s1", start(), key="start")
    for number, event in enumerate(way):
        fresh_log.append("s1", event, key=f"act {number}")  # pyright: ignore[reportArgumentType]
    (entry,) = roster(fresh_log, "demo")
    assert entry.state == state
    assert entry.rows == len(way) + 1
    assert entry.ended_ns - entry.started_ns == len(way) * 1_000_000_000  # the clock moves one second a row
    assert entry.going_on is (state in ("consent", "between tasks", "workspace", "answer"))


def test_an_erased_session_keeps_its_place_and_says_so(fresh_log: EventLog, start: Start) -> None:
    fresh_log.append("s1", start(), CONSENT, TASK, key="start")
    erase(fresh_log, "s1")
    (entry,) = roster(fresh_log, "demo")
    assert (entry.erased, entry.state, entry.participant, entry.rows) == (True, "workspace", "P01", 3)


def test_a_study_lists_its_own_sessions_the_last_begun_first(fresh_log: EventLog, start: Start) -> None:
    fresh_log.append("a", start(), key="start")
    fresh_log.append("b", start(study="other"), key="start")
    fresh_log.append("c", start(mode="bot"), key="start")
    fresh_log.append("transcript:a", start(), key="start")  # what is said later about a session is no session
    assert [(entry.session, entry.mode) for entry in roster(fresh_log, "demo")] == [("c", "bot"), ("a", "remote")]
    assert fresh_log.studies() == ("demo", "other")
    assert fresh_log.sessions() == ("a", "b", "c")
    assert roster(fresh_log, "nobody's") == ()


def test_a_thousand_sessions_are_listed_without_reading_them(fresh_log: EventLog, start: Start) -> None:
    for number in range(1000):
        fresh_log.append(f"s{number:04d}", start(), CONSENT, TASK, key="start")
    begun = perf_counter()
    listed: tuple[Entry, ...] = roster(fresh_log, "demo")
    assert len(listed) == 1000
    assert not fresh_log._read  # pyright: ignore[reportPrivateUsage] - no session was folded for it
    assert perf_counter() - begun < 5  # measured 0.03 s; a fold of each would be a second and more
