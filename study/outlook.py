"""What an erasure would take away, and what it could not reach; nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from study.copies import copies_of
from study.database import unreadable
from study.erasure import WHOLE, Extent, reached
from study.exports.kept import folder_of, kept_in
from study.log import EventLog
from study.schema import events, media_chunks, participants, payloads
from study.traces import sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would go of one session, as a receipt counts it."""

    session: str
    what: Extent
    rows: int
    payloads: int
    participants: int
    media: int
    streams: tuple[str, ...]  # the session's, and those about it
    exports: tuple[str, ...]  # that lie beside the record
    handed_on: tuple[str, ...]  # that would stay: they are for whoever has them to take away
    searched: tuple[str, ...]
    unsearched: tuple[str, ...]


def foresee(log: EventLog, session_id: str, what: Extent = Extent.PAYLOADS, *, also: Sequence[Path] = ()) -> Outlook:
    """What `study.erasure.erase` would do with the same arguments.

    Raises:
        TillerError: there is no such session.
    """
    streams = reached(log, session_id, what)
    mine = events.c.session_id.in_(streams)
    held = select(func.count()).select_from(payloads).join(events, payloads.c.event_id == events.c.event_id)
    places = select(func.count()).where(participants.c.session_id == session_id)
    pieces = select(func.count()).where(media_chunks.c.session_id == session_id)
    with log.connected() as connection:
        payloads_held = connection.execute(held.where(mine)).scalar_one()
        places_held = connection.execute(places).scalar_one()
        media = connection.execute(pieces).scalar_one()
    beside = () if what is Extent.MEDIA else kept_in(folder_of(log))
    files = [path for path in (*log.files, *also) if path.is_file()]
    closed = [path for path in files if sealed(path)]
    return Outlook(
        session=session_id,
        what=what,
        rows=sum(streams.values()) if what is Extent.STREAM else 0,
        payloads=payloads_held,
        participants=places_held if what in WHOLE else 0,
        media=media,
        streams=tuple(streams),
        exports=tuple(one.name for one in beside if session_id in one.sessions),
        handed_on=tuple(one.words for one in copies_of(log, session_id)),
        searched=tuple(path.name for path in files if path not in closed),
        unsearched=(*(path.name for path in closed), *unreadable(log.engine)),
    )
