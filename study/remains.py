"""What only one session has said, and the search for it in every table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import select

from study.log import EventLog
from study.schema import events, participants, payloads, platform_ids, record
from study.state import canonical
from study.streams import concerns
from study.traces import PIECE, found_in

_SHORTEST = 12  # bytes that say something of their own


def words_of(log: EventLog, streams: Iterable[str], session_id: str, *, place: bool = True) -> set[bytes]:
    """Pieces of what only this session has: salts, the link's digest, and what people wrote or said in it or about it.

    Args:
        log: the record.
        streams: the session's stream and those about it.
        session_id: the session.
        place: whether its link and platform id are to go as well.
    """
    random: set[str] = set()
    said: set[str] = set()
    for stream in streams:
        random |= {one.salt for one in log.stored(stream) if one.salt}
        for record_ in log.read(stream):
            for text in () if record_.event is None else record_.event.said():
                for line in text.splitlines():
                    said |= {line, canonical(line)[1:-1]}  # as a person reads it, and as a payload holds it
    ids = select(participants.c.link_sha256, participants.c.keyed_hash).where(participants.c.session_id == session_id)
    with log.connected() as connection:
        for row in connection.execute(ids) if place else ():
            random.update(each for each in row if each)
        kept = select(platform_ids.c.keyed_hash).where(platform_ids.c.session_id == session_id)
        random.update(connection.execute(kept).scalars())
    return _pieces(random) | _unsaid_elsewhere(log, session_id, _pieces(said))


def _pieces(texts: Iterable[str]) -> set[bytes]:
    pieces = {word[at : at + PIECE] for word in map(str.encode, texts) for at in range(0, len(word), PIECE)}
    return {piece for piece in pieces if len(piece) >= _SHORTEST}


def _unsaid_elsewhere(log: EventLog, session_id: str, pieces: set[bytes]) -> set[bytes]:
    """Those of `pieces` that no other session's payloads hold; one pass over these, whatever the number of pieces."""
    left = set(pieces)
    others = select(payloads.c.json).join(events, payloads.c.event_id == events.c.event_id)
    with log.connected() as connection:
        query = others.where(~concerns(session_id))
        with connection.execution_options(yield_per=500).execute(query) as found:
            for text in found.scalars():
                if not left:
                    break
                held = str(text).encode()
                left -= {piece for piece in left if piece in held}
    return left


def found_in_rows(words: Iterable[bytes], log: EventLog) -> set[bytes]:
    """Those of `words` that any text in any table of the record holds."""
    return found_in(words, _texts(log))


def _texts(log: EventLog) -> Iterator[bytes]:
    with log.connected() as connection:
        for table in record.tables.values():
            columns = [column for column in table.columns if column.type.python_type is str]
            with connection.execution_options(yield_per=500).execute(select(*columns)) as found:
                for page in found.partitions():
                    yield "\0".join(str(cell) for row in page for cell in row).encode() + b"\0"
