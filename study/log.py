"""The interaction log: append events, read them back, never change them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from study.database import LogUnavailable, files_of, first_line, insert_new, take_turn, unavailable
from study.drafts import client_cells, draft, insert_act, rows_of
from study.events import Event
from study.media_files import folder_for
from study.queries import AFTER, BEAT, ERASED, FIRST, HEAD, HOLDER, ROWS, chosen, recorded, standing, stored, stored_of
from study.records import Chain, ClientTime, Clock, Record, Stored, Value, chain_of, server_now
from study.refusals import LeaseLost, LogMoved, LogRefused, refuse_after_the_end, repeated
from study.schema import events, scripts
from study.script import StudyScript
from study.state import canonical, digest
from study.streams import is_session
from study.writer import Writer

ACTORS = ("participant", "moderator", "system", "researcher")
_KEPT_SESSIONS = 64


class EventLog:
    """The record of a study's sessions, one stream each.

    Rows of one stream are numbered 1, 2, 3 without a gap; the rows of one act are written together or not at all; a
    row is never changed. Threads share one EventLog per process and database; processes may share the file.
    """

    def __init__(self, engine: Engine, *, now: Clock = server_now, files: Path | None = None) -> None:
        """Open the log; recordings and exports lie in the folder `files`, beside the record if none is named."""
        self.writer = Writer(engine)
        self.engine = engine
        self.now = now
        self._files = files
        self._read: OrderedDict[str, tuple[Record, ...]] = OrderedDict()
        self._reading = threading.Lock()

    def append(
        self,
        session_id: str,
        *happened: Event,
        key: str,
        actor: str = "participant",
        page: str | None = None,
        client: ClientTime | None = None,
        expect: int | None = None,
        window: str | None = None,
        beside: Callable[[Connection], object] | None = None,
        decide: Callable[[Connection], Sequence[Event]] | None = None,
    ) -> tuple[Record, ...]:
        """Write one act in one transaction and return its rows once they are on the disk.

        The first event is the cause of the others. The same `key` with the same request returns the rows that stand
        and writes nothing. With `expect`, the last seq that the caller has read, rows written since raise LogMoved.
        With `window`, the act is a window's own and stands only while no other window holds the session.
        What `beside` writes belongs to the act: it runs last in its transaction, and only if the act is new.
        With `decide` the rows are those it returns once it has read, in the transaction, what others wrote; `happened`
        is then what was asked for, and what a retry repeats.

        Raises:
            LogRefused: the key stands for another act, or the session takes no more rows.
            LeaseLost: another window holds the session.
            LogMoved: `expect` is no longer the last row.
            LogUnavailable: nothing was written; the same call may be made again.
        """
        if not happened or not key or actor not in ACTORS:
            raise ValueError(f"append() needs an event, a key and an actor of {ACTORS}; it got {actor=}, {key=}.")
        drafted = [draft(event) for event in happened]
        asked = digest(canonical([one.asked for one in drafted if not one.event.result]))
        place: dict[str, Value] = {"actor": actor, "page": page, **client_cells(client)}

        def work(connection: Connection) -> tuple[Record, ...]:
            take_turn(connection, session_id)
            stand = standing(connection, session_id, key)
            if stand:
                return repeated(stand, asked, session_id)
            head = connection.execute(HEAD, {"session": session_id}).mappings().first()
            last = int(head["seq"]) if head else 0
            if expect is not None and last != expect:
                raise LogMoved(f"Row {expect + 1} was to come next, {last} rows stand: read the session again.")
            decided = drafted if decide is None else [draft(event) for event in decide(connection)]
            refuse_after_the_end(session_id, decided, head)
            if window is not None and connection.execute(HOLDER, {"session": session_id}).scalar() not in (
                None,
                window,
            ):
                raise LeaseLost(f"Session {session_id} is open in another window; go on there, or take it back here.")
            rows = rows_of(decided, session_id, key, place, self.now(), head)
            insert_act(connection, rows, decided, asked)
            if beside is not None:
                beside(connection)
            return tuple(Record(one.event, row) for one, row in zip(decided, rows, strict=True))

        try:
            return self.writer.write(work)
        except LogUnavailable as error:
            if isinstance(error.__cause__, IntegrityError):
                raise LogRefused(
                    f"Session {session_id} takes no such row: {first_line(error.__cause__.orig)}."
                ) from error
            raise

    def acted(self, session_id: str, key: str) -> tuple[Record, ...]:
        """The rows that the act `key` wrote; empty if it has written none."""
        with self.connected() as connection:
            return tuple(recorded(stored(one)) for one in standing(connection, session_id, key))

    def head(self, session_id: str) -> tuple[int, tuple[str, int] | None]:
        """The number of a session's last row, 0 where it has none, and who holds it since when (`leases`)."""
        with self.connected() as connection:
            row = connection.execute(BEAT, {"session": session_id}).one()
        return row.seq, None if row.holder is None else (row.holder, row.renewed_utc_ns)

    @property
    def files(self) -> tuple[Path, ...]:
        """The database's files on this machine, the record itself first; none where a server keeps it."""
        return tuple(files_of(self.engine))

    @property
    def media(self) -> Path:
        """The folder that recordings of this record lie in; it may not be there yet."""
        return folder_for(self.engine.url, self._files)

    def forget(self, session_id: str) -> None:
        """Drop what is held in memory of one session, so that it is read anew."""
        with self._reading:
            self._read.pop(session_id, None)

    def read(self, session_id: str) -> tuple[Record, ...]:
        """All rows of one session in order, those of other processes included; none for an id that no session has."""
        if "\0" in session_id:
            return ()  # PostgreSQL takes no such text
        with self._reading:
            known = self._read.get(session_id, ())
        newer, erased = self._newer(session_id, known[-1].seq if known else 0)
        if erased and any(record.event is not None for record in known):
            self.forget(session_id)  # another process took the words away: they must not live on in this one
            known, (newer, _) = (), self._newer(session_id, 0)
        if newer:
            known = (*known, *newer)
        with self._reading:
            if len(known) >= len(self._read.get(session_id, ())):
                self._read[session_id] = known
            self._read.move_to_end(session_id)
            while len(self._read) > _KEPT_SESSIONS:
                self._read.popitem(last=False)
        return known

    def stream(self, *, study: str | None = None, without: Sequence[str] = ()) -> Iterator[Record]:
        """Every row of the log as it stands now, session by session; memory does not grow with the log.

        Args:
            study: sessions of one study only.
            without: modes whose sessions to leave out, such as `preview` and `bot`.
        """
        return map(recorded, self.stored(study=study, without=without))

    def stored(
        self, session_id: str | None = None, *, study: str | None = None, without: Sequence[str] = ()
    ) -> Iterator[Stored]:
        """The rows and payload texts of one session, or of all, exactly as the database holds them."""
        query = chosen(ROWS, session_id, study, without).order_by(events.c.session_id, events.c.seq)
        with self.connected() as connection, connection.execution_options(yield_per=500).execute(query) as found:
            for page in found.partitions():
                yield from map(stored_of, page)

    def count(self, *, study: str | None = None, without: Sequence[str] = ()) -> int:
        """How many rows `stream` would yield now."""
        query = chosen(select(func.count()).select_from(events), None, study, without)
        with self.connected() as connection:
            return connection.execute(query).scalar_one()

    def sessions(self, *, study: str | None = None) -> tuple[str, ...]:
        """Ids of all sessions, in the order in which their first rows were written."""
        query = FIRST.with_only_columns(events.c.session_id).where(is_session()).order_by(events.c.srv_utc_ns)
        if study is not None:
            query = query.where(events.c.study_id == study)
        with self.connected() as connection:
            return tuple(connection.execute(query).scalars())

    def streams(self) -> tuple[str, ...]:
        """Ids of the streams that are nobody's session: receipts, transcripts, codes."""
        query = FIRST.with_only_columns(events.c.session_id).where(~is_session()).order_by(events.c.srv_utc_ns)
        with self.connected() as connection:
            return tuple(connection.execute(query).scalars())

    def studies(self) -> tuple[str, ...]:
        """Ids of all studies that have sessions."""
        named = events.c.study_id
        query = FIRST.with_only_columns(named).where(named.is_not(None), is_session()).distinct().order_by(named)
        with self.connected() as connection:
            return tuple(connection.execute(query).scalars())

    def verify(self, session_id: str) -> Chain:
        """Recompute one session's chain from what the file holds, and name the first bad row."""
        return chain_of(session_id, self.stored(session_id))

    def keep_script(self, script: StudyScript) -> None:
        """Store a script's full text under its digest, once, so that its sessions can be read for ever."""
        kept = {
            "script_sha256": script.sha256,
            "study_id": script.study.id,
            "version": script.study.version,
            "json": script.json,
            "stored_utc_ns": self.now().utc_ns,
        }
        self.writer.write(lambda connection: connection.execute(insert_new(connection, scripts), kept))

    def _newer(self, session_id: str, after: int) -> tuple[tuple[Record, ...], bool]:
        """The rows after `after`, and whether the session's words were erased."""
        with self.connected() as connection:
            erased = connection.execute(ERASED, {"session": session_id}).first() is not None
            found = connection.execute(AFTER, {"session": session_id, "after": after}).mappings().all()
        return tuple(recorded(stored(one)) for one in found), erased

    @contextmanager
    def connected(self) -> Generator[Connection]:
        """A connection for reading, which sees one moment of the log from its first query on."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise unavailable(error) from error
