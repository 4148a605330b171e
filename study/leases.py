"""One window at a time writes a session: the tab that holds its lease and goes on saying that it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from study.database import insert_new
from study.log import EventLog
from study.records import Instant
from study.schema import leases
from study.session_events import SessionTakenOver

QUIET_S = 30.0  # not heard of for so long, a window may be replaced by hand
GONE_S = 90.0  # and after so long it is no longer there: browsers let a hidden tab speak once a minute at least
RENEWED_S = 10.0  # how old a lease on record may grow while its window is heard of


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a session, and when it was last heard of."""

    holder: str
    renewed_utc_ns: int

    def quiet_s(self, now: Instant) -> float:
        """Seconds since the holder was last heard of, as far as the record knows."""
        return max(0.0, (now.utc_ns - self.renewed_utc_ns) / 1e9)

    def is_held(self, now: Instant, window: str | None) -> bool:
        """Whether another window than `window` has it and may still be there."""
        return self.holder != window and self.quiet_s(now) < GONE_S


def lease_of(log: EventLog, session_id: str) -> Lease | None:
    """The lease of a session; None where no window has it."""
    with log.connected() as connection:
        return _standing(connection, session_id)


def take(log: EventLog, session_id: str, window: str) -> None:
    """Give the session to `window`; where another one had it and may still be there, the log says so."""
    now = log.now()
    stands = lease_of(log, session_id)
    if stands is not None and stands.holder == window:
        renew(log, session_id, window, now)
    elif stands is not None and stands.is_held(now, window):
        log.append(
            session_id,
            SessionTakenOver(gap_s=stands.quiet_s(now)),
            key=f"taken/{window}/{now.utc_ns}",
            beside=lambda connection: _put(connection, session_id, window, now),
        )
    else:
        log.writer.write(lambda connection: _put(connection, session_id, window, now))


def renew(log: EventLog, session_id: str, window: str, now: Instant) -> None:
    """Write down that `window` was heard of, if it has the session."""
    query = update(leases).where(leases.c.session_id == session_id, leases.c.holder == window)
    log.writer.write(lambda connection: connection.execute(query.values(renewed_utc_ns=now.utc_ns)))


def release(log: EventLog, session_id: str, window: str) -> None:
    """Give the session back, because its window was closed or left."""
    query = delete(leases).where(leases.c.session_id == session_id, leases.c.holder == window)
    log.writer.write(lambda connection: connection.execute(query))


def _standing(connection: Connection, session_id: str) -> Lease | None:
    query = select(leases.c.holder, leases.c.renewed_utc_ns).where(leases.c.session_id == session_id)
    row = connection.execute(query).first()
    return None if row is None else Lease(row.holder, row.renewed_utc_ns)


def _put(connection: Connection, session_id: str, window: str, now: Instant) -> None:
    held: dict[str, Any] = {"holder": window, "taken_utc_ns": now.utc_ns, "renewed_utc_ns": now.utc_ns}
    if not connection.execute(update(leases).where(leases.c.session_id == session_id).values(held)).rowcount:
        connection.execute(insert_new(connection, leases), {"session_id": session_id, **held})
