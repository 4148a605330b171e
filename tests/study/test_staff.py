"""Who may see data: a name, one role, and a key that nothing keeps."""

from __future__ import annotations

import pytest
from strangers import Stranger

from core.types import TillerError
from study.log import EventLog
from study.staff import Role, Staff, everyone, find_staff, invite, revoke


def test_a_key_opens_what_its_owner_was_invited_to(fresh_log: EventLog) -> None:
    key = invite(fresh_log, "Ada L.", Role.CODER, study="tiny")
    assert find_staff(fresh_log, key) == Staff("Ada L.", Role.CODER, "tiny")
    assert everyone(fresh_log) == (Staff("Ada L.", Role.CODER, "tiny"),)


@pytest.mark.parametrize("key", ["", None, 7, b"x" * 32, "A" * 32, "A" * 5000, "' OR 1=1 --", "\x00"])
def test_any_other_key_opens_nothing(fresh_log: EventLog, key: object) -> None:
    invite(fresh_log, "Ada", Role.RESEARCHER)
    assert find_staff(fresh_log, key) is None


def test_nothing_keeps_a_key(fresh_log: EventLog, stranger: Stranger) -> None:
    key = invite(fresh_log, "Ada", Role.RESEARCHER)
    assert key not in str(stranger.execute("SELECT * FROM staff").fetchall())


def test_whoever_is_revoked_is_out_at_once_and_may_be_invited_anew(fresh_log: EventLog) -> None:
    key = invite(fresh_log, "Ada", Role.CODER)
    revoke(fresh_log, "Ada")
    assert find_staff(fresh_log, key) is None
    assert everyone(fresh_log) == ()
    assert find_staff(fresh_log, invite(fresh_log, "Ada", Role.RESEARCHER)) == Staff("Ada", Role.RESEARCHER)
    assert find_staff(fresh_log, key) is None


def test_a_name_is_one_person(fresh_log: EventLog) -> None:
    invite(fresh_log, "Ada", Role.CODER)
    with pytest.raises(TillerError, match="revoke them first"):
        invite(fresh_log, "Ada", Role.CODER)
    with pytest.raises(TillerError, match="let in now: Ada"):
        revoke(fresh_log, "Bob")


@pytest.mark.parametrize("name", ["", " Ada", "a:b", "x" * 64, "A\nB", "../ada", "=1+1"])
def test_a_name_that_could_not_stand_in_the_record_is_refused(fresh_log: EventLog, name: str) -> None:
    with pytest.raises(TillerError, match="Staff name"):
        invite(fresh_log, name, Role.CODER)


def test_staff_of_one_study_see_no_other() -> None:
    assert Staff("Ada", Role.CODER, "one").may_see("one")
    assert not Staff("Ada", Role.CODER, "one").may_see("two")
    assert not Staff("Ada", Role.CODER, "one").may_see(None)
    assert Staff("Ada", Role.CODER).may_see("two")
