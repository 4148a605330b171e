"""Newcomers get a pseudonym, a session and a link; the link finds the session again."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, Integer, cast, func, insert, select

from study.database import take_turn
from study.identity import Admission, link_digest, looks_like_token, new_token, pseudonym
from study.log import EventLog
from study.schema import events, participants


def admit(log: EventLog, study: str) -> Admission:
    """Make a place for one newcomer to `study`; nothing is in the log until the session is started."""
    now = log.now()

    def work(connection: Connection) -> Admission:
        take_turn(connection, f"newcomers to {study}")
        return make_place(connection, study, new_token(), now.utc_ns)

    return log.writer.write(work)


def make_place(
    connection: Connection, study: str, token: str, now_ns: int, *, keyed_hash: str | None = None
) -> Admission:
    """A newcomer's place in a transaction whose turn it is among newcomers to `study`."""
    made = Admission(uuid.uuid4().hex, pseudonym(_greatest(connection, study) + 1), token)
    connection.execute(
        insert(participants).values(
            session_id=made.session_id,
            study_id=study,
            pseudonym=made.pseudonym,
            link_sha256=link_digest(token),
            keyed_hash=keyed_hash,
            admitted_utc_ns=now_ns,
        )
    )
    return made


def _greatest(connection: Connection, study: str) -> int:
    # Rows keep a pseudonym after its participant is erased: it is nobody else's then.
    met = select(participants.c.pseudonym).where(participants.c.study_id == study)
    logged = select(events.c.participant_pseudonym).where(events.c.study_id == study, events.c.seq == 1)
    names = met.union_all(logged).subquery()
    return connection.execute(select(func.max(cast(func.substr(names.c.pseudonym, 2), Integer)))).scalar() or 0


def find(log: EventLog, token: object) -> tuple[str, str] | None:
    """Session id and pseudonym that a link's token opens, or None; any junk may be given."""
    if not isinstance(token, str) or not looks_like_token(token):
        return None
    query = select(participants.c.session_id, participants.c.pseudonym)
    with log.connected() as connection:
        row = connection.execute(query.where(participants.c.link_sha256 == link_digest(token))).first()
    return None if row is None else (row.session_id, row.pseudonym)
