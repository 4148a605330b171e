"""Verdicts of replays, kept beside the session they are about, and found again by whoever hands it on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from study.events import event_in
from study.log import EventLog
from study.records import Record
from study.replay import Outcome, worst
from study.schema import events, payloads
from study.streams import stream_about
from study.system_events import SystemReplayVerified

_AT_ONCE = 500  # streams asked for in one query


def record_verdict(log: EventLog, records: Sequence[Record], outcomes: Sequence[Outcome]) -> Record:
    """Write what the replay of a whole session, with at least one prediction, came to; return the row.

    Raises:
        LogUnavailable: nothing was written.
    """
    verdict, counts = worst(outcomes)
    session, head = records[0].session_id, str(records[-1].row["hash"])
    event = SystemReplayVerified(
        session=session,
        verdict=verdict,
        counts=counts,
        rows=len(records),
        head=head,
        differing=tuple(sorted({name for one in outcomes for name in one.differing})),
    )
    key = f"replayed/{head}/{log.now().utc_ns}"
    return log.append(stream_about("replay", session), event, key=key, actor="researcher")[0]


def verdicts_of(log: EventLog, sessions: Iterable[str]) -> dict[str, SystemReplayVerified]:
    """The last recorded verdict on each of `sessions` that has one."""
    found: dict[str, SystemReplayVerified] = {}
    streams = [stream_about("replay", one) for one in sessions]
    query = select(payloads.c.json).join(events, payloads.c.event_id == events.c.event_id)
    query = query.where(events.c.name == SystemReplayVerified.name).order_by(events.c.session_id, events.c.seq)
    for first in range(0, len(streams), _AT_ONCE):
        with log.connected() as connection:
            mine = query.where(events.c.session_id.in_(streams[first : first + _AT_ONCE]))
            texts = connection.execute(mine).scalars().all()
        for event in (event_in(SystemReplayVerified.name, str(text)) for text in texts):
            if isinstance(event, SystemReplayVerified):
                found[event.session] = event
    return found
