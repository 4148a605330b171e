"""What a study has promised to keep no longer, and the carrying out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from study.erasure import Extent
from study.log import EventLog
from study.media import recordings_of
from study.schema import erasures, events, scripts
from study.script import Retention, ScriptError, script_in
from study.streams import is_session, stream_about

_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Due:
    """A session of which something is to go, since when, and how much."""

    session: str
    what: Extent
    since_utc_ns: int


def expired(log: EventLog, now_ns: int) -> tuple[Due, ...]:
    """What the scripts of all sessions have promised to be gone by now, and is not; the most of each session.

    Days are counted from a session's last row. A script that this version cannot read promises nothing that could be
    carried out by guessing: its sessions are left.
    """
    return tuple(_expired(log, now_ns))


def _expired(log: EventLog, now_ns: int) -> Iterator[Due]:
    first, last = func.min(events.c.script_sha256), func.max(events.c.srv_utc_ns)
    query = select(events.c.session_id, first, last).where(is_session()).group_by(events.c.session_id)
    with log.connected() as connection:
        sessions = [(str(row[0]), row[1], int(row[2])) for row in connection.execute(query)]
        held = {row.script_sha256: row.json for row in connection.execute(select(scripts))}
        gone = {(row.session_id, row.what) for row in connection.execute(select(erasures))}
    promised = {sha256: _promise(text) for sha256, text in held.items()}
    for session, script, ended_ns in sessions:
        kept = promised.get(script, Retention())
        spoken = stream_about("transcript", session)
        there = {
            Extent.STREAM: True,
            Extent.TRANSCRIPT: (spoken, "payloads") not in gone and bool(log.read(spoken)),
            Extent.MEDIA: (spoken, "media") not in gone and bool(recordings_of(log, session)),
        }
        days = {Extent.STREAM: kept.events, Extent.TRANSCRIPT: kept.transcript, Extent.MEDIA: kept.audio}
        due = [
            Due(session, what, ended_ns + limit * _DAY_NS)
            for what, limit in days.items()
            if limit is not None and there[what] and ended_ns + limit * _DAY_NS <= now_ns
        ]
        yield from due[:1]


def _promise(text: str) -> Retention:
    try:
        return script_in(text).consent.retention_days
    except ScriptError:
        return Retention()
