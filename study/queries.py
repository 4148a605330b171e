"""What is asked of the log's tables, and a row of an answer as a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, Connection, RowMapping, Select, bindparam, func, literal, select

from study.drafts import COLUMNS, idem_key
from study.events import event_in
from study.records import Record, Stored
from study.schema import erasures, events, leases, payloads
from study.streams import is_session

ROWS = select(events, payloads.c.salt, payloads.c.json).outerjoin(payloads, payloads.c.event_id == events.c.event_id)
AFTER = ROWS.where(events.c.session_id == bindparam("session"), events.c.seq > bindparam("after")).order_by(
    events.c.seq
)
HEAD = select(events).where(events.c.session_id == bindparam("session")).order_by(events.c.seq.desc()).limit(1)


def _streams() -> CTE:
    """The id of every stream, from one to the next along the key: the rows between are not read."""
    each = select(func.min(events.c.session_id).label("id")).cte("streams", recursive=True)
    following = select(func.min(events.c.session_id)).where(events.c.session_id > each.c.id).scalar_subquery()
    return each.union_all(select(following).where(each.c.id.is_not(None)))


_EACH = _streams()
FIRST = select(events).join(_EACH, events.c.session_id == _EACH.c.id).where(events.c.seq == 1)
ERASED = select(erasures.c.what).where(erasures.c.session_id == bindparam("session"))
HOLDER = select(leases.c.holder).where(leases.c.session_id == bindparam("session"))
BEAT = (
    select(
        func.coalesce(
            select(func.max(events.c.seq)).where(events.c.session_id == bindparam("session")).scalar_subquery(), 0
        ).label("seq"),
        leases.c.holder,
        leases.c.renewed_utc_ns,
    )
    .select_from(select(literal(1).label("one")).subquery())
    .outerjoin(leases, leases.c.session_id == bindparam("session"))
)
_BESIDE = slice(len(COLUMNS), len(COLUMNS) + 2)  # where salt and payload stand in a row of ROWS
_STANDING = (
    ROWS.add_columns(payloads.c.request_digest)
    .where(
        events.c.session_id == bindparam("session"),
        events.c.idem_key >= bindparam("first"),
        events.c.idem_key < bindparam("beyond"),
    )
    .order_by(events.c.seq)
)


def standing(connection: Connection, session_id: str, key: str) -> Sequence[RowMapping]:
    """The rows that the act `key` wrote, with the digest of what was asked."""
    # The rows of one act share the first row's key: DIGEST, DIGEST/1, ... and "0" is the character after "/".
    first = idem_key(key)
    found = connection.execute(_STANDING, {"session": session_id, "first": first, "beyond": f"{first}0"})
    return found.mappings().all()


def chosen(query: Select[Any], session_id: str | None, study: str | None, without: Sequence[str]) -> Select[Any]:
    """`query` over one session, one study's sessions, or all sessions but those of some modes."""
    # Whole streams or none: a chain can be checked only from its first row on.
    mine = events.c.session_id
    query = query.where(is_session() if session_id is None else mine == session_id)
    if study is not None:
        query = query.where(mine.in_(select(mine).where(events.c.study_id == study)))
    if without:
        query = query.where(mine.not_in(select(mine).where(events.c.mode.in_(without))))
    return query


def stored(found: RowMapping) -> Stored:
    """A row exactly as the database holds it, with its payload's text."""
    return stored_of(tuple(found.values()))


def stored_of(cells: Sequence[Any]) -> Stored:
    """The same from the cells of a row of ROWS in their order."""
    salt, text = cells[_BESIDE]
    return Stored(dict(zip(COLUMNS, cells, strict=False)), salt, text)


def recorded(one: Stored) -> Record:
    """A stored row with its event read; without one where the payload was erased."""
    return Record(None if one.payload is None else event_in(str(one.row["name"]), one.payload), one.row)
