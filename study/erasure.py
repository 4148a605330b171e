"""One participant's words and platform ids gone from every table and file; that and when things were done stays."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sqlalchemy import Connection, delete, func, insert, select

from core.types import TillerError
from study.log import EventLog
from study.media import erase_media
from study.schema import erasures, events, leases, participants, payloads
from study.session_events import RecordErased
from study.state import canonical
from study.streams import RECEIPTS, concerns

_PIECE = 48  # bytes of a text looked for at a time: long texts are spread over pages
_SHORTEST = 12  # bytes that say something of their own
_START = 8  # bytes by which all words are looked for at once: one machine word
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
    about = _streams_about(log, session_id)
    words = _words(log, session_id, about)
    now = log.now()
    media = erase_media(log, session_id)

    def work(connection: Connection) -> tuple[int, int]:
        named = set(connection.execute(select(erasures.c.session_id).where(erasures.c.what == "payloads")).scalars())
        for stream, rows in about.items():
            if stream not in named:
                held = {"session_id": stream, "what": "payloads", "rows": rows, "named_utc_ns": now.utc_ns}
                connection.execute(insert(erasures).values(held))
        mine = select(events.c.event_id).where(events.c.session_id.in_(about))
        gone = connection.execute(delete(payloads).where(payloads.c.event_id.in_(mine))).rowcount
        places = connection.execute(delete(participants).where(participants.c.session_id == session_id)).rowcount
        connection.execute(delete(leases).where(leases.c.session_id == session_id))
        return gone, places

    gone, places = log.writer.write(work)
    for stream in about:
        log.forget(stream)
    files = [*log.files, *also]
    receipt = Receipt(
        session=session_id,
        payloads=gone,
        participants=places,
        media=media,
        settled=_settled(log.files[0], patience_s),
        searched=tuple(path.name for path in files if path.is_file()),
        sought=len(words),
        found=len(set[bytes]().union(*(_found(words, path) for path in files))),
    )
    log.append(RECEIPTS, RecordErased(**asdict(receipt)), key=f"erased/{session_id}/{now.utc_ns}", actor="researcher")
    return receipt


def _streams_about(log: EventLog, session_id: str) -> dict[str, int]:
    """The session's own stream and those of what was said about it later, with the number of rows of each."""
    query = select(events.c.session_id, func.count()).where(concerns(session_id)).group_by(events.c.session_id)
    with log.connected() as connection:
        return {str(stream): int(rows) for stream, rows in connection.execute(query)}


def _words(log: EventLog, session_id: str, about: Iterable[str]) -> set[bytes]:
    """Pieces of what only this session has: salts, the link's digest, and what people wrote or said in or about it."""
    random = {one.salt for stream in about for one in log.stored(stream) if one.salt}
    with log.connected() as connection:
        place = select(participants.c.link_sha256, participants.c.keyed_hash)
        for row in connection.execute(place.where(participants.c.session_id == session_id)):
            random.update(each for each in row if each)
    said = {
        form
        for stream in about
        for record in log.read(stream)
        if record.event is not None
        for text in record.event.said()
        for line in text.splitlines()
        for form in (line, canonical(line)[1:-1])  # as a person reads it, and as a payload holds it
    }
    return _pieces(random) | _unsaid_elsewhere(log, about, _pieces(said))


def _pieces(texts: Iterable[str]) -> set[bytes]:
    pieces = {word[at : at + _PIECE] for word in map(str.encode, texts) for at in range(0, len(word), _PIECE)}
    return {piece for piece in pieces if len(piece) >= _SHORTEST}


def _unsaid_elsewhere(log: EventLog, about: Iterable[str], pieces: set[bytes]) -> set[bytes]:
    """Those of `pieces` that no other stream's payloads hold; one pass over these, whatever the number of pieces."""
    left = set(pieces)
    others = select(payloads.c.json).join(events, payloads.c.event_id == events.c.event_id)
    with log.connected() as connection:
        found = connection.execution_options(yield_per=500).execute(others.where(events.c.session_id.not_in(about)))
        for text in found.scalars():
            if not left:
                break
            held = str(text).encode()
            left -= {piece for piece in left if piece in held}
    return left


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


def _found(words: Iterable[bytes], path: Path) -> set[bytes]:
    """Those of `words` that a file holds; the time hangs on the file's size and hardly on how many they are."""
    if not path.is_file():
        return set()
    by_start: dict[bytes, list[bytes]] = {}
    for word in words:
        by_start.setdefault(word[:_START], []).append(word)
    starts = np.frombuffer(b"".join(by_start), np.uint64)
    met: set[bytes] = set()
    held = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            held = held[-_PIECE:] + chunk
            if len(held) < _START:
                continue
            windows = sliding_window_view(np.frombuffer(held, np.uint8), _START)
            there = np.isin(np.ascontiguousarray(windows).view(np.uint64)[:, 0], starts)
            for at in np.flatnonzero(there).tolist():
                met.update(word for word in by_start[held[at : at + _START]] if held.startswith(word, at))
    return met
