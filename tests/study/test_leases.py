"""One window at a time: what another one sends is refused inside the transaction that would have written it."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from study.leases import GONE_S, lease_of, release, renew, take
from study.log import EventLog, LeaseLost
from study.records import Instant
from study.task_events import PageLeft


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.second = 0.0

    def __call__(self) -> Instant:
        ns = int(self.second * 1e9)
        return Instant(1_700_000_000_000_000_000 + ns, ns, "boot")


@pytest.fixture
def clock(fresh_log: EventLog) -> Hand:
    fresh_log.now = hand = Hand()
    return hand


def names(log: EventLog, session: str) -> list[str]:
    return [record.name for record in log.read(session)]


def test_a_window_that_lost_the_session_writes_nothing(fresh_log: EventLog, session: str, clock: Hand) -> None:
    take(fresh_log, session, "first")
    fresh_log.append(session, PageLeft(page="a"), key="a", window="first")
    clock.second = 2.0
    take(fresh_log, session, "second")
    with pytest.raises(LeaseLost, match="another window"):
        fresh_log.append(session, PageLeft(page="b"), key="b", window="first")
    fresh_log.append(session, PageLeft(page="b"), key="b", window="second")
    assert names(fresh_log, session)[-3:] == ["page.left", "session.taken_over", "page.left"]
    (taken,) = [one.event for one in fresh_log.read(session) if one.name == "session.taken_over"]
    assert getattr(taken, "gap_s", None) == 2.0


def test_an_act_that_stands_is_answered_for_whoever_asks_again(fresh_log: EventLog, session: str, clock: Hand) -> None:
    take(fresh_log, session, "first")
    stands = fresh_log.append(session, PageLeft(page="a"), key="a", window="first")
    take(fresh_log, session, "second")
    assert fresh_log.append(session, PageLeft(page="a"), key="a", window="first") == stands


def test_the_same_window_again_takes_nothing_over(fresh_log: EventLog, session: str, clock: Hand) -> None:
    before = names(fresh_log, session)
    for _ in range(3):
        take(fresh_log, session, "first")
    assert names(fresh_log, session) == before


def test_a_lease_that_was_given_back_or_has_gone_quiet_is_free(fresh_log: EventLog, session: str, clock: Hand) -> None:
    before = names(fresh_log, session)
    take(fresh_log, session, "first")
    release(fresh_log, session, "first")
    assert lease_of(fresh_log, session) is None
    take(fresh_log, session, "second")
    clock.second = GONE_S + 1
    take(fresh_log, session, "third")
    assert names(fresh_log, session) == before
    renew(fresh_log, session, "second", fresh_log.now())
    found = lease_of(fresh_log, session)
    assert found is not None and found.holder == "third"


def test_of_two_windows_that_write_at_once_one_is_refused(fresh_log: EventLog, session: str, clock: Hand) -> None:
    take(fresh_log, session, "first")
    begin, refused = Barrier(2), list[str]()

    def write(window: str) -> None:
        begin.wait()
        for number in range(20):
            try:
                fresh_log.append(session, PageLeft(page="p"), key=f"{window}/{number}", window=window)
            except LeaseLost:
                refused.append(window)

    threads = [Thread(target=write, args=(window,)) for window in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["second"] * 20
    assert names(fresh_log, session).count("page.left") == 20
