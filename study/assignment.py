"""A newcomer's slot is chosen in the transaction that starts the session: two at once never take the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, Row, bindparam, func, select

from study.database import take_turn
from study.log import EventLog
from study.queries import FIRST
from study.records import ClientTime, Record
from study.route import factors_of
from study.schema import events, payloads
from study.script import StudyScript
from study.script.sequence import Phases
from study.session_events import SessionCompleted, SessionStarted
from study.slots import Slot, Standing, Taken, choose, mixed, slots
from study.state import digest
from study.streams import is_session

# Sessions of one pool balance each other; who tries a study out takes no participant's place.
POOLS = (("moderated", "remote"), ("preview",), ("bot",))
_HOUR_NS = 3_600_000_000_000


def start_session(
    log: EventLog,
    script: StudyScript,
    session_id: str,
    participant: str,
    *,
    mode: str = "remote",
    language: str = "",
    key: str = "start",
    page: str | None = None,
    client: ClientTime | None = None,
    among: Sequence[Slot] | None = None,
) -> tuple[Record, ...]:
    """Start the session of an admitted newcomer in the slot that is theirs by `script`, and return its row.

    What is random on the route follows from the study's seed and the session's id. `among` are the slots to choose
    from, all of the design if None. Raises as `assign` does.
    """
    started = SessionStarted(
        study=script.study.id,
        study_version=script.study.version,
        script_sha256=script.sha256,
        participant=participant,
        mode=mode,
        seed=int(digest(f"{script.study.seed}/{session_id}")[:8], 16),
        language=language,
    )
    window = script.modes.remote.resume_window_hours if script.modes.remote else None
    listed = slots_of(script) if among is None else among
    return assign(log, session_id, started, listed, window_hours=window, key=key, page=page, client=client)


def slots_of(script: StudyScript) -> tuple[Slot, ...]:
    """The slots of a script's design in the order in which they fill."""
    blocks = script.sequence.blocks if script.sequence else ()
    permuted = any(isinstance(block, Phases) and block.draw.permute for block in blocks)
    listed = slots(factors_of(script))
    return mixed(listed, script.study.seed) if permuted else listed


def assign(
    log: EventLog,
    session_id: str,
    started: SessionStarted,
    listed: Sequence[Slot],
    *,
    window_hours: float | None = None,
    key: str = "start",
    page: str | None = None,
    client: ClientTime | None = None,
) -> tuple[Record, ...]:
    """Start a session in the slot that has the fewest completed and live ones, and return its row.

    The choice and the row are one transaction. The same `key` with the same `started` returns the row that stands.

    Args:
        log: the record.
        session_id: the newcomer's session, of which nothing is in the log yet.
        started: the row without slot and levels; sessions of its study and version, in the pool of its mode, count.
        listed: the design's slots in the order in which they are to fill.
        window_hours: how long after its last row a session that nobody moderates holds its slot; for ever if None.
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
        slot = choose(listed, found)
        return (replace(started, slot=slot.number, levels=dict(slot.levels)),)

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
    rows = connection.execute(_SESSIONS, {"study": study, "pool": pool})
    found: list[Taken] = []
    for row in rows:
        # read as it stands, for other newcomers wait meanwhile; it was checked when it was written
        started = from_json(row.started)
        if started["study_version"] == version and started.get("slot") is not None:
            found.append(Taken(row.session, started["slot"], _standing(row, since)))
    return tuple(found)


def _standing(row: Row[Any], since: int) -> Standing:
    if row.last == SessionCompleted.name:
        completed = from_json(row.end).get("outcome", "completed") == "completed"
        return Standing.COMPLETED if completed else Standing.GIVEN_BACK  # such as no_consent
    if row.last in ("session.withdrawn", "session.rejected", "session.timed_out"):
        return Standing.GIVEN_BACK
    past = row.mode != "moderated" and row.spoke < since
    return Standing.GIVEN_BACK if past else Standing.LIVE


def _sessions() -> Any:
    mine, last, final, said = events.c.session_id, events.alias("last"), events.alias("final"), payloads.alias("said")
    end = select(func.max(last.c.seq)).where(last.c.session_id == mine).correlate(events).scalar_subquery()
    return (
        FIRST.with_only_columns(
            mine.label("session"),
            events.c.mode.label("mode"),
            payloads.c.json.label("started"),
            final.c.name.label("last"),
            final.c.srv_utc_ns.label("spoke"),
            said.c.json.label("end"),
        )
        .join(payloads, payloads.c.event_id == events.c.event_id)
        .join(final, (final.c.session_id == mine) & (final.c.seq == end))
        .outerjoin(said, (said.c.event_id == final.c.event_id) & (final.c.name == SessionCompleted.name))
        .where(
            events.c.study_id == bindparam("study"),
            events.c.mode.in_(bindparam("pool", expanding=True)),
            events.c.name == SessionStarted.name,
            is_session(),
        )
        .order_by(mine)
    )


_SESSIONS = _sessions()
