"""Many at once, and clocks that go wrong: the log keeps order by its numbers and loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from multiprocessing.synchronize import Barrier

import pytest
from writers import run_together

from study.database import connect
from study.exports.marks import marks_of
from study.findings import portrait_of
from study.log import EventLog
from study.records import Instant, Record
from study.session_events import SessionStarted
from study.task_events import ConceptInspected, TaskStarted, TaskSubmitted
from study.times import moments_of

SECOND = 1_000_000_000
NOON = 1_800_000_000 * SECOND


class Clocks:
    """The server's clocks, each set by hand."""

    def __init__(self) -> None:
        self.now = Instant(NOON, 5 * SECOND, "boot 1")

    def __call__(self) -> Instant:
        return self.now

    def after(self, seconds: float, *, wall: float | None = None, boot: str | None = None) -> None:
        """Let `seconds` pass on the monotonic clock; the wall clock shows `wall` seconds more, or as many."""
        mono = self.now.mono_ns + int(seconds * SECOND) if boot is None else int(seconds * SECOND)
        passed = seconds if wall is None else wall
        self.now = Instant(self.now.utc_ns + int(passed * SECOND), mono, boot or self.now.boot_id)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def told(fresh_log: EventLog, clocks: Clocks) -> EventLog:
    fresh_log.now = clocks
    fresh_log.append(
        "s1", SessionStarted(study="demo", study_version="1", script_sha256="5c", participant="P01"), key="start"
    )
    return fresh_log


def times_in(records: Sequence[Record]) -> dict[str, tuple[float | None, bool]]:
    """How long each task took by the findings, and whether only the wall clock tells."""
    told = portrait_of(records)
    assert told is not None
    return {one.task: (one.seconds, one.guessed) for one in told.attempts}


def test_a_clock_that_is_set_back_changes_neither_order_nor_durations(told: EventLog, clocks: Clocks) -> None:
    clocks.after(1)
    told.append("s1", TaskStarted(task="word"), key="open")
    clocks.after(2, wall=-3600)  # an hour back while two seconds pass
    told.append("s1", ConceptInspected(task="word", component=3), key="look")
    clocks.after(4)
    told.append("s1", TaskSubmitted(task="word"), key="submit")
    records = told.read("s1")
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert records[2].utc_ns < records[1].utc_ns, "what the clock said stands as it was said"
    moments = moments_of(records)
    assert [moment.second for moment in moments] == [0, 1, 3, 7]
    assert [moment.guesses for moment in moments] == [0, 0, 0, 0]
    assert times_in(records)["word"] == (6.0, False)
    marks = marks_of(records)
    assert all(one.onset_s <= two.onset_s for one, two in pairwise(marks))
    assert told.verify("s1").whole
    assert told.sessions() == ("s1",)


@pytest.mark.parametrize(("wall", "seconds"), [(30.0, 30.0), (-3600.0, 0.0)])
def test_a_duration_across_a_restart_is_the_wall_clocks_and_says_so(
    told: EventLog, clocks: Clocks, wall: float, seconds: float
) -> None:
    told.append("s1", TaskStarted(task="word"), key="open")
    clocks.after(1, wall=wall, boot="boot 2")  # the monotonic clock begins anew
    told.append("s1", ConceptInspected(task="word", component=3), key="look")
    clocks.after(5)
    told.append("s1", TaskSubmitted(task="word"), key="submit")
    records = told.read("s1")
    assert [moment.guesses for moment in moments_of(records)] == [0, 0, 1, 1]
    assert times_in(records)["word"] == (seconds + 5, True)
    told.append("s1", TaskStarted(task="scene", order=2), key="open 2")
    clocks.after(8)
    told.append("s1", TaskSubmitted(task="scene"), key="submit 2")
    assert times_in(told.read("s1"))["scene"] == (8.0, False), "what lies within one boot is sure"
    assert told.verify("s1").whole


CROWD = 50
ACTS = 12


def act(log: EventLog, session: str, turn: int) -> None:
    looks = (ConceptInspected(task="t", component=turn), ConceptInspected(task="t", component=0))
    log.append(session, *looks, key=f"act {turn}")


def check(log: EventLog, sessions: list[str]) -> None:
    """Every session has each of its acts once, in whole, in order, and a whole chain."""
    for session in sessions:
        records = log.read(session)
        assert [record.seq for record in records] == list(range(1, 2 * ACTS + 1))
        assert [record.event.component for record in records[::2]] == list(range(ACTS))  # pyright: ignore
        assert log.verify(session).whole
    assert log.count() == 2 * ACTS * len(sessions)


def test_fifty_sessions_that_write_at_once_lose_nothing_and_double_nothing(
    fresh_log: EventLog, reopen: Callable[[], EventLog]
) -> None:
    together = threading.Barrier(CROWD, timeout=60)
    failed: list[BaseException] = []

    def work(session: str) -> None:
        try:
            together.wait()
            for turn in range(ACTS):
                act(fresh_log, session, turn)
                act(fresh_log, session, turn)  # a retry, as after an answer that got lost
        except BaseException as error:
            failed.append(error)

    sessions = [f"s{number:02d}" for number in range(CROWD)]
    threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    check(reopen(), sessions)


def visit(url: str, sessions: Sequence[str], together: Barrier) -> None:
    """One process of a crowd: threads of its own, each a session, on the record that all share."""
    log = EventLog(connect(url, patience_s=60.0))
    together.wait()

    def work(session: str) -> None:
        for turn in range(ACTS):
            act(log, session, turn)
            act(log, session, turn)

    threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_fifty_sessions_in_five_processes_lose_nothing_and_double_nothing(
    url: str, fresh_log: EventLog, reopen: Callable[[], EventLog]
) -> None:
    sessions = [f"s{number:02d}" for number in range(CROWD)]
    assert run_together(visit, [(url, sessions[first::5]) for first in range(5)]) == [0] * 5
    check(reopen(), sessions)


def test_processes_that_send_the_same_acts_write_each_once(
    url: str, fresh_log: EventLog, reopen: Callable[[], EventLog]
) -> None:
    assert run_together(visit, [(url, ["shared"])] * 3) == [0] * 3
    check(reopen(), ["shared"])
