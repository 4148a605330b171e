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
    token, session_id = new_token(), uuid.uuid4().hex
    now = log.now()

    def work(connection: Connection) -> str:
        take_turn(connection, f"newcomers to {study}")
        name = pseudonym(_greatest(connection, study) + 1)
        connection.execute(
            insert(participants).values(
                session_id=session_id,
                study_id=study,
                pseudonym=name,
                link_sha256=link_digest(token),
                admitted_utc_ns=now.utc_ns,
            )
        )
        return name

    return Admission(session_id, log.writer.write(work), token)


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
