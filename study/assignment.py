"""A newcomer's slot is chosen in the transaction that starts the session: two at once never take the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from study.database import take_turn
from study.events import event_in
from study.log import EventLog
from study.queries import FIRST
from study.records import ClientTime, Record
from study.schema import events, payloads
from study.session_events import SessionCompleted, SessionStarted
from study.slots import Slot, Standing, Taken, choose
from study.streams import is_session

# Sessions of one pool balance each other; who tries a study out takes no participant's place.
POOLS = (("moderated", "remote"), ("preview",), ("bot",))
_HOUR_NS = 3_600_000_000_000


def with_slot(started: SessionStarted, slot: Slot) -> SessionStarted:
    """The row that starts a session in `slot`."""
    return replace(started, slot=slot.number)


def assign(
    log: EventLog,
    session_id: str,
    started: SessionStarted,
    listed: Sequence[Slot],
    *,
    window_hours: float | None = None,
    put: Callable[[SessionStarted, Slot], SessionStarted] = with_slot,
    key: str = "start",
    page: str | None = None,
    client: ClientTime | None = None,
) -> tuple[Record, ...]:
    """Start a session in the slot that has the fewest completed and live ones, and return its row.

    The choice and the row are one transaction. The same `key` with the same `started` returns the row that stands.

    Args:
        log: the record.
        session_id: the newcomer's session, of which nothing is in the log yet.
        started: the row without its slot; sessions of its study and version, in the pool of its mode, are counted.
        listed: the design's slots in the order in which they are to fill.
        window_hours: how long after its last row a session that nobody moderates holds its slot; for ever if None.
        put: the row with all that it is to say of its slot.
        key: the act's key.
        page: the page that it was done on.
        client: the browser's clocks.

    Raises:
        LogRefused: `key` stands for another act.
        LogUnavailable: nothing was written; the same call may be made again.
    """

    def decide(connection: Connection) -> tuple[SessionStarted]:
        take_turn(connection, f"slots of {started.study}")
        found = _taken(connection, started.study, started.study_version, started.mode, _since(log, window_hours))
        return (put(started, choose(listed, found)),)

    return log.append(session_id, started, key=key, page=page, client=client, decide=decide)


def taken(
    log: EventLog, study: str, version: str, *, mode: str = "remote", window_hours: float | None = None
) -> tuple[Taken, ...]:
    """The slots that sessions in the pool of `mode` took, and what became of each, in the order of their ids.

    A session whose first row was erased is not among them: neither its slot nor its data are there any more.
    """
    with log.connected() as connection:
        return _taken(connection, study, version, mode, _since(log, window_hours))


def _since(log: EventLog, window_hours: float | None) -> int:
    """The time in ns since 1970 before which a session's last row is past its window."""
    return 0 if window_hours is None else log.now().utc_ns - round(window_hours * _HOUR_NS)


def _taken(connection: Connection, study: str, version: str, mode: str, since: int) -> tuple[Taken, ...]:
    pool = next((modes for modes in POOLS if mode in modes), (mode,))
    rows = connection.execute(_SESSIONS, {"study": study, "pool": pool}).mappings()
    found: list[Taken] = []
    for row in rows:
        event = event_in(SessionStarted.name, row["json"])
        if isinstance(event, SessionStarted) and event.study_version == version and event.slot is not None:
            found.append(Taken(row["session"], event.slot, _standing(row, since)))
    return tuple(found)


def _standing(row: RowMapping, since: int) -> Standing:
    if row["last"] == SessionCompleted.name:
        end = event_in(SessionCompleted.name, row["end"])
        completed = isinstance(end, SessionCompleted) and end.outcome == "completed"
        return Standing.COMPLETED if completed else Standing.GIVEN_BACK  # such as no_consent
    if row["last"] in ("session.withdrawn", "session.rejected", "session.timed_out"):
        return Standing.GIVEN_BACK
    past = row["mode"] != "moderated" and row["spoke"] < since
    return Standing.GIVEN_BACK if past else Standing.LIVE


def _sessions() -> Any:
    mine, last, final, said = events.c.session_id, events.alias("last"), events.alias("final"), payloads.alias("said")
    end = select(func.max(last.c.seq)).where(last.c.session_id == mine).correlate(events).scalar_subquery()
    return (
        FIRST.with_only_columns(
            mine.label("session"),
            events.c.mode.label("mode"),
            payloads.c.json.label("json"),
            final.c.name.label("last"),
            final.c.srv_utc_ns.label("spoke"),
            said.c.json.label("end"),
        )
        .join(payloads, payloads.c.event_id == events.c.event_id)
        .join(final, (final.c.session_id == mine) & (final.c.seq == end))
        .join(said, said.c.event_id == final.c.event_id)
        .where(
            events.c.study_id == bindparam("study"),
            events.c.mode.in_(bindparam("pool", expanding=True)),
            events.c.name == SessionStarted.name,
            is_session(),
        )
        .order_by(mine)
    )


_SESSIONS = _sessions()
