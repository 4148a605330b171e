"""Who may see data: people invited by name, each with one role and a key that is kept only as a digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from core.types import TillerError
from study.identity import looks_like_token, new_token
from study.log import EventLog
from study.schema import sign_ins, staff
from study.state import digest

_NAME = re.compile(r"[\w][\w .'-]{0,62}")  # no colon: it names the streams that its owner writes
RULES, CONSENSUS = "rules", "consensus"  # coders that are nobody's name
BY_PASSPHRASE = "Researcher"  # whoever knows the passphrase; a name that nobody is invited under


class Role(StrEnum):
    """What a member of staff is there for; pages name the roles that they are open to."""

    RESEARCHER = "researcher"
    MODERATOR = "moderator"
    OBSERVER = "observer"
    CODER = "coder"


@dataclass(frozen=True, slots=True)
class Staff:
    """One member of staff; `study` is the one study they may see, None for all."""

    name: str
    role: Role
    study: str | None = None

    def may_see(self, study: str | None) -> bool:
        """Whether the data of `study` are open to them."""
        return self.study is None or self.study == study


def invite(log: EventLog, name: str, role: Role, *, study: str | None = None) -> str:
    """Let somebody in and return their key: shown once, nothing here keeps it.

    Raises:
        TillerError: the name cannot stand in the record, or is taken by somebody who was not revoked.
    """
    if name.casefold() in (RULES, CONSENSUS, BY_PASSPHRASE.casefold()):
        raise TillerError(f"Staff name {name!r} was asked for; it stands for nobody in particular: choose another.")
    if not _NAME.fullmatch(name):
        raise TillerError(
            f"Staff name {name!r} was asked for; a name has letters, digits, spaces, dots, hyphens and apostrophes, "
            "63 characters at most, and begins with a letter or digit."
        )
    key, now = new_token(), log.now()
    held = {"role": role.value, "study_id": study, "key_sha256": key_digest(key), "invited_utc_ns": now.utc_ns}

    def work(connection: Connection) -> None:
        found = connection.execute(select(staff).where(staff.c.name == name)).mappings().first()
        if found is None:
            connection.execute(insert(staff).values(name=name, **held))
        elif found["revoked_utc_ns"] is None:
            raise TillerError(
                f"Staff name {name!r} was asked for, and {name} is invited already; revoke them first for a new key."
            )
        else:
            connection.execute(update(staff).where(staff.c.name == name).values(revoked_utc_ns=None, **held))

    log.writer.write(work)
    return key


def revoke(log: EventLog, name: str) -> None:
    """Shut somebody out at once; what they wrote stays under their name.

    Raises:
        TillerError: nobody of that name is let in.
    """
    now = log.now()

    def work(connection: Connection) -> bool:
        mine = (staff.c.name == name) & staff.c.revoked_utc_ns.is_(None)
        there = connection.execute(select(staff.c.name).where(mine)).first() is not None
        connection.execute(update(staff).where(mine).values(revoked_utc_ns=now.utc_ns))
        return there

    if not log.writer.write(work):
        known = ", ".join(one.name for one in everyone(log)) or "nobody"
        raise TillerError(f"{name!r} was to be revoked; let in now: {known}. Name one of them.")


def find_staff(log: EventLog, key: object) -> Staff | None:
    """Whose key this is, or None; any junk may be given."""
    if not isinstance(key, str) or not looks_like_token(key):
        return None
    own, let_in = staff.c.key_sha256 == key_digest(key), staff.c.revoked_utc_ns.is_(None)
    mine = (sign_ins.c.key_sha256 == key_digest(key)) & (sign_ins.c.until_utc_ns > log.now().utc_ns)
    with log.connected() as connection:
        row = connection.execute(select(staff).where(own, let_in)).mappings().first()
        if row is None:
            signed_in = select(staff).join(sign_ins, sign_ins.c.name == staff.c.name).where(mine, let_in)
            row = connection.execute(signed_in).mappings().first()
    return None if row is None else Staff(row["name"], Role(row["role"]), row["study_id"])


def everyone(log: EventLog) -> tuple[Staff, ...]:
    """All who are let in now, by name."""
    with log.connected() as connection:
        rows = connection.execute(select(staff).where(staff.c.revoked_utc_ns.is_(None)).order_by(staff.c.name))
        return tuple(Staff(row["name"], Role(row["role"]), row["study_id"]) for row in rows.mappings())


def key_digest(key: str) -> str:
    """What is stored of a key."""
    return digest(f"tiller staff {key}")
