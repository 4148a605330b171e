"""The passphrase: hashed, made where nobody could get in, and not to be guessed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from hashlib import scrypt

import pytest
from strangers import Stranger

from core.types import TillerError
from study.database import connect
from study.lock import TooSoon, lock_up, new_passphrase, set_passphrase, sign_in, sign_out
from study.log import EventLog
from study.records import Instant
from study.staff import BY_PASSPHRASE, Role, Staff, everyone, find_staff, invite, revoke

PHRASE = "correct horse battery"


@dataclass
class Still:
    """A clock that stands until it is moved."""

    second: float = 1_700_000_000

    def __call__(self) -> Instant:
        return Instant(round(self.second * 1e9), round(self.second * 1e9), "boot")


@pytest.fixture
def clock() -> Still:
    return Still()


@pytest.fixture
def log(fresh_log: EventLog, clock: Still) -> EventLog:
    fresh_log.now = clock
    return fresh_log


def test_the_first_start_makes_one_and_no_later_start_does(log: EventLog) -> None:
    made = lock_up(log, None)
    assert made is not None and len(made.replace("-", "")) == 20
    assert lock_up(log, None) is None
    key = sign_in(log, made)
    assert find_staff(log, key) == Staff(BY_PASSPHRASE, Role.RESEARCHER)


def test_none_is_made_where_somebody_is_invited(log: EventLog) -> None:
    invite(log, "Ada", Role.RESEARCHER)
    assert lock_up(log, None) is None
    assert sign_in(log, "") is None
    assert [one.name for one in everyone(log)] == ["Ada"]


def test_ones_own_takes_the_place_of_another_and_shuts_out_who_came_by_it(log: EventLog) -> None:
    made = str(lock_up(log, None))
    key = sign_in(log, made)
    assert lock_up(log, PHRASE) is None
    assert find_staff(log, key) is None and sign_in(log, made) is None
    mine = sign_in(log, PHRASE)
    assert lock_up(log, PHRASE) is None, "the same one again signs nobody out"
    assert find_staff(log, mine) is not None


def test_a_short_one_is_refused(log: EventLog) -> None:
    with pytest.raises(TillerError, match="needs 12 at least"):
        lock_up(log, "short")


def test_what_is_kept_is_scrypt_of_a_salt_of_its_own(log: EventLog, stranger: Stranger) -> None:
    lock_up(log, PHRASE)
    ((salt, kept),) = stranger.execute("SELECT salt, scrypt FROM passphrases").fetchall()
    assert kept == scrypt(PHRASE.encode(), salt=bytes.fromhex(salt), n=32768, r=8, p=1, maxmem=2**26, dklen=32).hex()
    set_passphrase(log, PHRASE)
    assert stranger.execute("SELECT salt FROM passphrases").fetchall() != [(salt,)]


def test_wrong_ones_are_answered_ever_more_slowly_in_all_processes(log: EventLog, clock: Still, url: str) -> None:
    lock_up(log, PHRASE)
    other = EventLog(connect(url), now=clock)
    for number in range(5):
        assert sign_in((log, other)[number % 2], f"wrong {number}") is None
    for wait in (1, 2, 4, 8, 16, 32, 60, 60):
        clock.second += wait - 0.01
        for one in (log, other):
            with pytest.raises(TooSoon):
                sign_in(one, PHRASE)
        clock.second += 0.02
        assert sign_in(log, "wrong again") is None
    clock.second += 61
    assert sign_in(other, PHRASE) is not None
    assert sign_in(log, "wrong") is None and sign_in(log, PHRASE) is not None, "a right one begins the count anew"
    other.engine.dispose()


def test_a_sign_in_ends_after_twelve_hours_and_when_it_is_left(log: EventLog, clock: Still) -> None:
    lock_up(log, PHRASE)
    one, two = sign_in(log, PHRASE), sign_in(log, PHRASE)
    sign_out(log, str(one))
    assert find_staff(log, one) is None and find_staff(log, two) is not None
    clock.second += 12 * 3600 + 1
    assert find_staff(log, two) is None


def test_whoever_is_revoked_has_no_passphrase_until_another_is_set(log: EventLog) -> None:
    lock_up(log, PHRASE)
    key = sign_in(log, PHRASE)
    revoke(log, BY_PASSPHRASE)
    assert find_staff(log, key) is None and sign_in(log, PHRASE) is None
    set_passphrase(log, PHRASE)
    assert sign_in(log, PHRASE) is not None
    with pytest.raises(TillerError, match="nobody in particular"):
        invite(log, BY_PASSPHRASE.lower(), Role.CODER)


def test_processes_that_start_together_make_one(log: EventLog) -> None:
    made = list[str | None]()
    threads = [threading.Thread(target=lambda: made.append(lock_up(log, None))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (only,) = [one for one in made if one is not None]
    assert sign_in(log, only) is not None


def test_what_is_made_has_a_hundred_random_bits() -> None:
    made = {new_passphrase() for _ in range(200)}
    assert len(made) == 200
    letters = {letter for one in made for letter in one} - {"-"}
    assert len(letters) == 32  # 5 bits each, 20 of them
