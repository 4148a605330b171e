"""The passphrase to the staff's pages: hashed at rest, one made at first start, wrong ones answered more slowly."""

from __future__ import annotations

import hmac
import secrets
from hashlib import scrypt
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from core.types import TillerError
from study.database import take_turn
from study.identity import new_token
from study.log import EventLog
from study.schema import passphrases, sign_ins, staff
from study.staff import BY_PASSPHRASE, Role, key_digest

SHORTEST = 12  # characters of a passphrase of one's own
HOURS = 12  # that a sign-in lasts
_FREE = 5  # wrong ones in a row that are answered at once; each one more doubles the wait
_LONGEST_WAIT_S = 60.0  # whoever keeps guessing must not shut the owner out for longer
# RFC 7914; 32 MiB and about 0.1 s a try
_COST: dict[str, Any] = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them, without those that are mistaken for others
_GROUPS, _IN_GROUP = 4, 5


class TooSoon(TillerError):
    """Wrong passphrases came in; nobody is listened to until a while has passed."""


def lock_up(log: EventLog, passphrase: str | None) -> str | None:
    """See to it at the start that somebody can get in and no stranger can; return a passphrase if one was made.

    What is returned is shown once: nothing here keeps it. One that the environment names takes the place of any that
    stands, and shuts out whoever came in by that. Where none is named, none stands and nobody is invited, one is made.

    Raises:
        TillerError: the passphrase named is too short.
    """
    if passphrase is not None:
        if len(passphrase) < SHORTEST:
            raise TillerError(
                f"TILLER_PASSPHRASE has {len(passphrase)} characters; it needs {SHORTEST} at least. "
                "Set a longer one, or leave it out and read the one that is made at the first start."
            )
        if not _stands(log, passphrase):
            set_passphrase(log, passphrase)
        return None
    made = new_passphrase()
    return made if set_passphrase(log, made, unless_let_in=True) else None


def new_passphrase() -> str:
    """100 random bits as four groups of letters and digits that can be read out and typed."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_IN_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def set_passphrase(log: EventLog, passphrase: str, *, unless_let_in: bool = False) -> bool:
    """Make this the passphrase, sign everybody out who came in by another, and say whether it was done.

    With `unless_let_in` it is done only where nobody could get in otherwise.
    """
    now = log.now().utc_ns
    salt = secrets.token_hex(16)
    hashed = _hashed(passphrase, salt)

    def work(connection: Connection) -> bool:
        take_turn(connection, "the passphrase")
        let_in = select(staff.c.name).where(staff.c.revoked_utc_ns.is_(None))
        if unless_let_in and connection.execute(let_in).first() is not None:
            return False
        mine = staff.c.name == BY_PASSPHRASE
        if connection.execute(update(staff).where(mine).values(revoked_utc_ns=None)).rowcount == 0:
            connection.execute(
                insert(staff).values(
                    name=BY_PASSPHRASE,
                    role=Role.RESEARCHER.value,
                    key_sha256=key_digest(new_token()),  # a key that nobody was given
                    invited_utc_ns=now,
                )
            )
        connection.execute(delete(passphrases).where(passphrases.c.name == BY_PASSPHRASE))
        connection.execute(delete(sign_ins).where(sign_ins.c.name == BY_PASSPHRASE))
        held = {"name": BY_PASSPHRASE, "salt": salt, "scrypt": hashed, "missed": 0, "missed_utc_ns": 0}
        connection.execute(insert(passphrases).values(**held, set_utc_ns=now))
        return True

    return log.writer.write(work)


def sign_in(log: EventLog, passphrase: str) -> str | None:
    """The key of a sign-in by passphrase, good for 12 hours; None for a wrong one.

    Raises:
        TooSoon: too many wrong ones came in before.
    """
    row = _row(log)
    if row is None:
        return None
    now = log.now().utc_ns
    wait = _wait_s(row["missed"]) - (now - row["missed_utc_ns"]) / 1e9
    if wait > 0:
        raise TooSoon(f"Too many wrong passphrases came in; wait {wait:.0f} seconds and try again.")
    right = hmac.compare_digest(_hashed(passphrase, row["salt"]), row["scrypt"])
    key, mine = new_token(), passphrases.c.name == BY_PASSPHRASE

    def work(connection: Connection) -> None:
        if not right:
            missed = {"missed": passphrases.c.missed + 1, "missed_utc_ns": now}
            connection.execute(update(passphrases).where(mine).values(missed))
            return
        connection.execute(update(passphrases).where(mine).values(missed=0))
        connection.execute(delete(sign_ins).where(sign_ins.c.until_utc_ns < now))
        until = now + HOURS * 3600 * 10**9
        connection.execute(insert(sign_ins).values(key_sha256=key_digest(key), name=BY_PASSPHRASE, until_utc_ns=until))

    log.writer.write(work)
    return key if right else None


def sign_out(log: EventLog, key: str) -> None:
    """Make the key of a sign-in by passphrase open nothing any more; a key by invitation is its owner's still."""
    log.writer.write(lambda c: c.execute(delete(sign_ins).where(sign_ins.c.key_sha256 == key_digest(key))))


def _stands(log: EventLog, passphrase: str) -> bool:
    row = _row(log)
    return row is not None and hmac.compare_digest(_hashed(passphrase, row["salt"]), row["scrypt"])


def _row(log: EventLog) -> Any:
    mine = select(passphrases).join(staff, staff.c.name == passphrases.c.name)
    with log.connected() as connection:
        found = connection.execute(mine.where(passphrases.c.name == BY_PASSPHRASE, staff.c.revoked_utc_ns.is_(None)))
        return found.mappings().first()


def _wait_s(missed: int) -> float:
    return 0.0 if missed < _FREE else min(_LONGEST_WAIT_S, 2.0 ** min(missed - _FREE, 10))


def _hashed(passphrase: str, salt: str) -> str:
    return scrypt(passphrase.encode(), salt=bytes.fromhex(salt), **_COST).hex()
