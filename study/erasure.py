"""One participant's words and platform ids gone from every table and file; that and when things were done stays."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from core.types import TillerError
from study.log import EventLog
from study.queries import RECEIPTS
from study.schema import erasures, events, leases, media_chunks, participants, payloads
from study.session_events import RecordErased
from study.task_events import Response

_PIECE = 48  # bytes of a text looked for at a time: long texts are spread over pages
_SHORTEST = 12  # bytes that say something of their own
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was taken away, and what a search of the files for it found afterwards."""

    session: str
    payloads: int
    participants: int
    media: int
    searched: tuple[str, ...]  # names of files
    sought: int  # pieces of text that only this session had
    found: int  # of them, still in a file
    settled: bool  # whether the write-ahead log was emptied

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


def erase(log: EventLog, session_id: str, *, also: Sequence[Path] = (), patience_s: float = 10.0) -> Receipt:
    """Take away a session's payloads, media and place, empty the write-ahead log, search the files, write a receipt.

    What is named for erasure is named first: a call that was cut short is finished by the next one. Copies that are
    not searched (backups, files handed on) keep what they have; the receipt names what was searched.

    Args:
        log: the record.
        session_id: whose words go.
        also: further files to search, such as earlier exports.
        patience_s: how long readers of other processes are waited for.

    Raises:
        TillerError: there is no such session.
        LogUnavailable: nothing was taken away; the same call may be made again.
    """
    records = log.read(session_id)
    if not records:
        raise TillerError(f"Session {session_id!r} was to be erased; the log has no such session.")
    words = _words(log, session_id)
    rows = len(records)
    now = log.now()

    def work(connection: Connection) -> tuple[int, int, int]:
        named = select(erasures).where(erasures.c.session_id == session_id, erasures.c.what == "payloads")
        if connection.execute(named).first() is None:
            connection.execute(
                insert(erasures).values(session_id=session_id, what="payloads", rows=rows, named_utc_ns=now.utc_ns)
            )
        mine = select(events.c.event_id).where(events.c.session_id == session_id)
        gone = connection.execute(delete(payloads).where(payloads.c.event_id.in_(mine))).rowcount
        places = connection.execute(delete(participants).where(participants.c.session_id == session_id)).rowcount
        media = connection.execute(delete(media_chunks).where(media_chunks.c.session_id == session_id)).rowcount
        connection.execute(delete(leases).where(leases.c.session_id == session_id))
        return gone, places, media

    gone, places, media = log.writer.write(work)
    log.forget(session_id)
    files = [*log.files, *also]
    receipt = Receipt(
        session=session_id,
        payloads=gone,
        participants=places,
        media=media,
        settled=_settled(log.files[0], patience_s),
        searched=tuple(path.name for path in files if path.is_file()),
        sought=len(words),
        found=len({word for path in files for word in _found(words, path)}),
    )
    log.append(RECEIPTS, RecordErased(**asdict(receipt)), key=f"erased/{session_id}/{now.utc_ns}", actor="researcher")
    return receipt


def _words(log: EventLog, session_id: str) -> set[bytes]:
    """Pieces of what only this session has: salts, the link's digest, and the participant's own texts."""
    words: set[str] = set()
    for one in log.stored(session_id):
        words.add(one.salt or "")
    for record in log.read(session_id):
        if isinstance(record.event, Response):
            words.update(record.event.text.splitlines())
    with log.connected() as connection:
        place = select(participants.c.link_sha256, participants.c.keyed_hash)
        for row in connection.execute(place.where(participants.c.session_id == session_id)):
            words.update(each for each in row if each)
    pieces = {word[at : at + _PIECE] for word in map(str.encode, words) for at in range(0, len(word), _PIECE)}
    others = {piece for piece in pieces if _said_elsewhere(log, session_id, piece)}
    return {piece for piece in pieces - others if len(piece) >= _SHORTEST}


def _said_elsewhere(log: EventLog, session_id: str, piece: bytes) -> bool:
    try:
        text = piece.decode()
    except UnicodeDecodeError:  # the cut went through a character
        return True
    query = (
        select(events.c.event_id)
        .join(payloads, payloads.c.event_id == events.c.event_id)
        .where(events.c.session_id != session_id, payloads.c.json.contains(text, autoescape=True))
    )
    with log.connected() as connection:
        return connection.execute(query.limit(1)).first() is not None


def _settled(path: Path, patience_s: float) -> bool:
    """Empty the write-ahead log into the file; another's reader holds it back, so wait for that to end."""
    until = time.monotonic() + patience_s
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        while True:
            busy, left, done = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy and left == done:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


def _found(words: Iterable[bytes], path: Path) -> Iterator[bytes]:
    if not path.is_file():
        return
    left, held = set(words), b""
    with path.open("rb") as file:
        while left and (chunk := file.read(_CHUNK)):
            held = held[-_PIECE:] + chunk
            met = {word for word in left if word in held}
            left -= met
            yield from met
