"""Recordings beside the record, piece by piece, each tied to the log by its digest.

They lie in `<record>-media/SESSION/MEDIA/NNNNNN.ext`. A piece is written aside, flushed to the disk and given its name
in the transaction that logs it; a piece that was logged is never written over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert

from core.types import TillerError
from study.consent import refused
from study.log import EventLog, LogRefused
from study.media_erasure import media_erased
from study.media_events import MediaChunkStored, MediaLost, MediaStarted, MediaStopped
from study.media_files import AT_ONCE, digest_of, place, written_aside
from study.recordings import FORMS, Recording, recordings_in
from study.records import Record
from study.schema import media_chunks
from study.streams import stream_about

LARGEST_PIECE = 64 << 20  # bytes; ten seconds of speech have some 80 KiB


def store_chunk(
    log: EventLog,
    session_id: str,
    media: str,
    chunk: int,
    data: bytes,
    *,
    form: str,
    start_ms: float,
    length_ms: float | None = None,
) -> Record:
    """Keep one piece of a recording that goes on, and return its row once file and row are on the disk.

    The same bytes under the same number are the same piece, however often they come; the first piece to come begins
    the recording. Pieces may come in any order.

    Args:
        log: the record.
        session_id: whose recording it is.
        media: the recording's id, letters and digits made by whoever records.
        chunk: the piece's number, from 0.
        data: its bytes; all pieces put end to end are a file of the form `form`.
        form: wav, mp3, m4a, ogg or webm.
        start_ms: when it begins in the recording.
        length_ms: how long it is, where that is known.

    Raises:
        LogRefused: other bytes stand under this number, or the recordings of this session were erased.
        TillerError: the consent does not allow a recording, or the call makes no sense.
    """
    folder = place(log.media, session_id, media)
    may_record(log, session_id)
    if form not in FORMS or chunk < 0 or not 0 < len(data) <= LARGEST_PIECE:
        raise TillerError(
            f"Piece {chunk} of recording {media} came as {form!r} with {len(data)} bytes; pieces count from 0, hold "
            f"1 to {LARGEST_PIECE} bytes and are {', '.join(FORMS)}."
        )
    stream, key = stream_about("transcript", session_id), f"media/{media}/{chunk}"
    began = form_begun(log, session_id, media)
    if began not in (None, form):
        raise LogRefused(f"Recording {media} began as {began}; piece {chunk} came as {form}: record anew.")
    piece = MediaChunkStored(
        media=media,
        chunk=chunk,
        sha256=hashlib.sha256(data).hexdigest(),
        start_ms=start_ms,
        length_ms=length_ms,
        bytes=len(data),
    )
    for stands in log.acted(stream, key):
        if isinstance(stands.event, MediaChunkStored) and stands.event.sha256 != piece.sha256:
            raise LogRefused(
                f"Piece {chunk} of recording {media} stands with other bytes, and what was recorded is never changed; "
                "give another recording an id of its own."
            )
        return stands
    if began is None:
        log.append(stream, MediaStarted(media=media, kind="audio", form=form), key=f"media/{media}", actor="system")
    path = folder / _name(chunk, form)
    with written_aside(path, lambda file: file.write(data)) as keep:
        (record,) = log.append(stream, piece, key=key, actor="system", beside=kept_with(log, session_id, piece, keep))
    return record


def form_begun(log: EventLog, session_id: str, media: str) -> str | None:
    """The form in which a recording that goes on began; None where there is none. Asks for one row, however long."""
    stands = log.acted(stream_about("transcript", session_id), f"media/{media}")
    return next((one.event.form for one in stands if isinstance(one.event, MediaStarted)), None)


def stop_media(
    log: EventLog, session_id: str, media: str, *, chunks: int | None = None, length_ms: float | None = None
) -> tuple[Record, ...]:
    """End a recording; each piece that never came is logged as lost.

    Args:
        log: the record.
        session_id: whose recording it is.
        media: the recording.
        chunks: how many pieces were sent, if whoever records knows; else up to the last that came.
        length_ms: how long the recording is, where that is known.
    """
    there = {piece.chunk for piece in recording_of(log, session_id, media).pieces}
    count = max(chunks or 0, max(there, default=-1) + 1)
    lost = [MediaLost(media=media, chunk=chunk) for chunk in range(count) if chunk not in there]
    stopped = MediaStopped(media=media, chunks=count, length_ms=length_ms)
    stream = stream_about("transcript", session_id)
    return log.append(stream, stopped, *lost, key=f"media/{media}/stop", actor="system")


def may_record(log: EventLog, session_id: str) -> tuple[Record, ...]:
    """The session's rows, if its participant allows a recording of their voice, and so a transcript of it.

    Raises:
        TillerError: there is no such session, what was recorded of it was erased, or it refuses the scope `audio`.
    """
    session = log.read(session_id)
    if not session:
        raise TillerError(f"Session {session_id!r} was asked for; the log has no such session.")
    if session[0].event is None or media_erased(log, session_id):
        raise LogRefused(f"Session {session_id} was erased and takes no recording and no transcript.")
    if refused(session, "audio"):
        raise TillerError(
            f"The participant of session {session_id} does not allow their voice to be recorded (scope audio), so "
            "neither a recording nor a transcript of it is taken in."
        )
    return session


def recordings_of(log: EventLog, session_id: str) -> tuple[Recording, ...]:
    """The recordings and transcript files of one session."""
    return recordings_in(log.read(stream_about("transcript", session_id)))


def recording_of(log: EventLog, session_id: str, media: str) -> Recording:
    """One recording or transcript file.

    Raises:
        TillerError: the session has none of this id.
    """
    known = {one.media: one for one in recordings_of(log, session_id)}
    if media not in known:
        some = ", ".join(known) or "none"
        raise TillerError(f"Recording {media!r} of session {session_id} was asked for; it has {some}.")
    return known[media]


def paths_of(log: EventLog, session_id: str, one: Recording) -> tuple[Path, ...]:
    """Where the pieces of a recording lie, in order; put end to end they are its file."""
    folder = place(log.media, session_id, one.media)
    return tuple(folder / _name(piece.chunk, one.form) for piece in one.pieces)


def read_media(log: EventLog, session_id: str, media: str) -> Iterator[bytes]:
    """The whole recording as one stream of bytes; pieces that were lost are left out.

    Raises:
        TillerError: there is no such recording, or a piece of it is not in the folder.
    """
    for path in paths_of(log, session_id, recording_of(log, session_id, media)):
        if not path.is_file():
            raise TillerError(f"Recording {media} has a piece {path.name} that is not in its folder: `tiller verify`.")
        with path.open("rb") as file:
            while held := file.read(AT_ONCE):
                yield held


@dataclass(frozen=True, slots=True)
class Fault:
    """A piece of a recording that is not as the log has it."""

    session_id: str
    media: str
    chunk: int
    reason: str


def faults_in(log: EventLog, session_id: str) -> tuple[Fault, ...]:
    """Pieces of one session's recordings and transcript files that are missing or were changed; none once erased."""
    if media_erased(log, session_id):
        return ()
    found: list[Fault] = []
    for one in recordings_of(log, session_id):
        for piece, path in zip(one.pieces, paths_of(log, session_id, one), strict=True):
            if not path.is_file():
                found.append(Fault(session_id, one.media, piece.chunk, f"{path.name} is missing"))
            elif digest_of(path) != piece.sha256:
                found.append(Fault(session_id, one.media, piece.chunk, f"{path.name} was changed after it was stored"))
    return tuple(found)


def kept_with(
    log: EventLog, session_id: str, piece: MediaChunkStored, keep: Callable[[], None]
) -> Callable[[Connection], None]:
    """What to write beside the row of `piece`: its line in `media_chunks`, and the file's name last."""
    now = log.now()

    def work(connection: Connection) -> None:
        connection.execute(
            insert(media_chunks).values(
                media_id=piece.media,
                chunk=piece.chunk,
                session_id=session_id,
                sha256=piece.sha256,
                start_ms=round(piece.start_ms),
                length_ms=round(piece.length_ms or 0),
                bytes=piece.bytes,
                stored_utc_ns=now.utc_ns,
            )
        )
        keep()

    return work


def _name(chunk: int, form: str) -> str:
    return f"{chunk:06d}.{form}"
