"""One participant's words and platform ids gone from every table and file; that and when things were done stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select

from core.types import TillerError
from study.copies import copies_of
from study.database import search_server, settle_files
from study.exports.kept import delete_those_with, folder_of
from study.log import EventLog
from study.media_erasure import erase_media
from study.recruitment import forget_arrival
from study.remains import found_in_rows, words_of
from study.schema import erasures, events, leases, participants, payloads, states
from study.session_events import RecordErased
from study.streams import RECEIPTS, concerns, stream_about
from study.traces import found_in_file, sealed


class Extent(StrEnum):
    """How much of a session is to go; each takes what those before it take."""

    MEDIA = "media"  # recordings and transcript files
    TRANSCRIPT = "transcript"  # what was said
    PAYLOADS = "payloads"  # every word, id and number; that and when things were done stays, and can be verified
    STREAM = "stream"  # the rows themselves


WHOLE = (Extent.PAYLOADS, Extent.STREAM)  # these take the participant's place as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was taken away, and what a search of the files for it found afterwards."""

    session: str
    payloads: int
    participants: int
    media: int
    searched: tuple[str, ...]  # names of files; tables and files of a server
    unsearched: tuple[str, ...]  # packed files, and what a server would not let us read
    sought: int  # pieces of text that only this session had
    found: int  # of them, still in a file
    settled: bool  # whether the pages that held the words were written anew
    what: Extent = Extent.PAYLOADS
    rows: int = 0
    exports: int = 0  # finished exports beside the record that had its rows, and are gone
    handed_on: tuple[str, ...] = ()  # exports that may have its rows still, and are for others to take away

    @property
    def clean(self) -> bool:
        """Whether nothing is left anywhere that was searched."""
        return self.settled and not self.found


def sessions_of(log: EventLog, study: str, pseudonym: str) -> tuple[str, ...]:
    """The sessions of one participant of a study.

    Raises:
        TillerError: there is no such participant.
    """
    begun = events.c.seq == 1
    query = select(events.c.session_id).where(begun, events.c.study_id == study)
    with log.connected() as connection:
        found = connection.execute(query.where(events.c.participant_pseudonym == pseudonym)).scalars().all()
    if not found:
        raise TillerError(f"Participant {pseudonym} of study {study} was asked for; the log has no session of theirs.")
    return tuple(found)


def erase(
    log: EventLog,
    session_id: str,
    what: Extent = Extent.PAYLOADS,
    *,
    also: Sequence[Path] = (),
    patience_s: float = 10.0,
) -> Receipt:
    """Take away a session's payloads, media and place, with all that was said about it later, and write a receipt.

    What is named for erasure is named first: a call that was cut short is finished by the next one. Exports that lie
    beside the record and have rows of the session go whole. Pages that held the words are written anew, then files,
    tables and, where the server lets us, its files are searched. Copies that are not searched (backups, files handed
    on) keep what they have; the receipt names what was searched.

    Args:
        log: the record.
        session_id: whose words go.
        what: how much of it.
        also: further files to search, such as earlier exports.
        patience_s: how long readers of other processes are waited for.

    Raises:
        TillerError: there is no such session.
        LogUnavailable: nothing was taken away; the same call may be made again.
    """
    streams = reached(log, session_id, what)
    copies = copies_of(log, session_id)
    words = words_of(log, streams, session_id, place=what in WHOLE)
    now = log.now()
    media = erase_media(log, session_id)
    payloads_gone, places, rows = log.writer.write(lambda c: _take(c, session_id, streams, what, now.utc_ns))
    for stream in streams:
        log.forget(stream)
    # recordings are named in these exports, not held
    exports = 0 if what is Extent.MEDIA else delete_those_with(folder_of(log), session_id)
    settled = settle_files(log.engine, patience_s)
    files = [path for path in (*log.files, *also) if path.is_file()]
    packed = tuple(path.name for path in files if sealed(path))
    files = [path for path in files if not sealed(path)]
    found = set[bytes]().union(*(found_in_file(words, path) for path in files))
    on_server = search_server(log.engine, words)
    if on_server is not None:
        found |= found_in_rows(words, log) | on_server.found
    receipt = Receipt(
        session=session_id,
        payloads=payloads_gone,
        participants=places,
        media=media,
        exports=exports,
        settled=settled,
        searched=(*(path.name for path in files), *(on_server.searched if on_server else ())),
        unsearched=(*packed, *(on_server.unsearched if on_server else ())),
        sought=len(words),
        found=len(found),
        what=what,
        rows=rows,
        handed_on=tuple(one.words for one in copies),
    )
    log.append(RECEIPTS, RecordErased(**asdict(receipt)), key=f"erased/{session_id}/{now.utc_ns}", actor="researcher")
    return receipt


def _take(
    connection: Connection, session_id: str, streams: Mapping[str, int], what: Extent, now_ns: int
) -> tuple[int, int, int]:
    """Name the streams and delete what they hold; how many payloads, places and rows went."""
    named = "stream" if what is Extent.STREAM else "payloads"
    stand = select(erasures.c.session_id).where(erasures.c.what == named, erasures.c.session_id.in_(streams))
    before = set(connection.execute(stand).scalars())
    for stream, rows in streams.items():
        if stream not in before:
            held = {"session_id": stream, "what": named, "rows": rows, "named_utc_ns": now_ns}
            connection.execute(insert(erasures).values(held))
    mine = events.c.session_id.in_(streams)
    ids = select(events.c.event_id).where(mine)
    gone = connection.execute(delete(payloads).where(payloads.c.event_id.in_(ids))).rowcount
    places = rows = 0
    if what in WHOLE:
        places = connection.execute(delete(participants).where(participants.c.session_id == session_id)).rowcount
        connection.execute(delete(leases).where(leases.c.session_id == session_id))
        forget_arrival(connection, session_id, now_ns)
    if what is Extent.STREAM:
        rows = connection.execute(delete(events).where(mine)).rowcount
        met = select(events.c.event_id).where(
            states.c.state_id.in_([events.c.before_state_id, events.c.after_state_id])
        )
        connection.execute(delete(states).where(~met.exists()))
    return gone, places, rows


def reached(log: EventLog, session_id: str, what: Extent) -> dict[str, int]:
    """The streams whose payloads an erasure takes, of the session's own and those about it, each with its rows.

    Raises:
        TillerError: there is no such session.
    """
    query = select(events.c.session_id, func.max(events.c.seq)).where(concerns(session_id))
    with log.connected() as connection:
        streams = {row[0]: row[1] for row in connection.execute(query.group_by(events.c.session_id))}
    if session_id not in streams:
        raise TillerError(f"Session {session_id!r} was to be erased; the log has no such session.")
    if what in WHOLE:
        return streams
    spoken = stream_about("transcript", session_id)
    return {spoken: streams[spoken]} if what is Extent.TRANSCRIPT and spoken in streams else {}
