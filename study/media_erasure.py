"""A session's recordings and transcript files taken away, and whether they were."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select

from study.log import EventLog
from study.media_files import place, take_away
from study.schema import erasures, media_chunks
from study.streams import stream_about


def erase_media(log: EventLog, session_id: str) -> int:
    """Take away a session's recordings and transcript files; return how many pieces went.

    They are named for erasure first, so that a call that was cut short is finished by the next one. What was said stays
    in the log: `study.erasure.erase` takes that.
    """
    stream = stream_about("transcript", session_id)
    folder = place(log.media, session_id)
    mine = media_chunks.c.session_id == session_id
    now = log.now()

    def work(connection: Connection) -> int:
        rows = connection.execute(select(func.count()).select_from(media_chunks).where(mine)).scalar_one()
        named = select(erasures).where(erasures.c.session_id == stream, erasures.c.what == "media")
        if (rows or folder.exists()) and connection.execute(named).first() is None:
            connection.execute(
                insert(erasures).values(session_id=stream, what="media", rows=rows, named_utc_ns=now.utc_ns)
            )
        return connection.execute(delete(media_chunks).where(mine)).rowcount

    gone = log.writer.write(work)
    take_away(folder)
    return gone


def media_erased(log: EventLog, session_id: str) -> bool:
    """Whether a session's recordings were taken away; its words may still be there."""
    named = select(erasures.c.what).where(
        erasures.c.session_id == stream_about("transcript", session_id), erasures.c.what == "media"
    )
    with log.connected() as connection:
        return connection.execute(named).first() is not None
