"""The interaction log: append events, read them back, never change them."""

from __future__ import annotations

import math
import secrets
import threading
import uuid
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Engine, RowMapping, Select, bindparam, func, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.types import TillerError
from study.database import LogUnavailable, unavailable
from study.events import SCHEMA_VERSION, Event, event_in, payload_of
from study.records import (
    GENESIS,
    ClientTime,
    Clock,
    Record,
    Stored,
    Value,
    Verdict,
    payload_digest,
    row_hash,
    server_now,
    verdict,
)
from study.schema import events, payloads, scripts, states
from study.script import StudyScript
from study.session_events import SessionStarted
from study.state import canonical, digest
from study.writer import Writer

ACTORS = ("participant", "moderator", "system", "researcher")
AFTER_THE_END: dict[str, tuple[str, ...]] = {
    "session.completed": ("session.withdrawn",),
    "session.withdrawn": (),
    "session.timed_out": ("session.withdrawn",),
    "session.rejected": ("session.withdrawn",),
}

_KEPT_SESSIONS = 64
_COLUMNS = tuple(column.name for column in events.columns)
_ROWS = select(events, payloads.c.salt, payloads.c.json).outerjoin(payloads, payloads.c.event_id == events.c.event_id)
_AFTER = _ROWS.where(events.c.session_id == bindparam("session"), events.c.seq > bindparam("after")).order_by(
    events.c.seq
)
_HEAD = select(events).where(events.c.session_id == bindparam("session")).order_by(events.c.seq.desc()).limit(1)
_STANDING = (
    _ROWS.add_columns(payloads.c.request_digest)
    .where(
        events.c.session_id == bindparam("session"),
        events.c.idem_key >= bindparam("first"),
        events.c.idem_key < bindparam("beyond"),
    )
    .order_by(events.c.seq)
)


class LogRefused(TillerError):
    """The log will not take this: a key used again for another act, or a session that is over or erased."""


class LogMoved(TillerError):
    """Other rows came first; read the session again and decide anew."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """One state in full."""

    json: str
    edits_id: str


@dataclass(frozen=True, slots=True)
class _Drafted:
    """One event made ready outside the write lock."""

    event: Event
    payload: str
    salt: str
    digest: str
    states: dict[str, _Kept]  # by state id
    asked: list[object]


class EventLog:
    """The record of a study's sessions, one stream each.

    Rows of one stream are numbered 1, 2, 3 without a gap; the rows of one act are written together or not at all; a
    row is never changed. Threads share one EventLog per process and database; processes may share the file.
    """

    def __init__(self, engine: Engine, *, now: Clock = server_now) -> None:
        self.writer = Writer(engine)
        self._engine = engine
        self.now = now
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
    ) -> tuple[Record, ...]:
        """Write one act in one transaction and return its rows once they are on the disk.

        The first event is the cause of the others. The same `key` with the same request returns the rows that stand
        and writes nothing. With `expect`, the last seq that the caller has read, rows written since raise LogMoved.

        Raises:
            LogRefused: the key stands for another act, or the session takes no more rows.
            LogMoved: `expect` is no longer the last row.
            LogUnavailable: nothing was written; the same call may be made again.
        """
        if not happened or not key or actor not in ACTORS:
            raise ValueError(f"append() needs an event, a key and an actor of {ACTORS}; it got {actor=}, {key=}.")
        drafted = [_draft(event) for event in happened]
        asked = digest(canonical([one.asked for one in drafted if not one.event.result]))
        place: dict[str, Value] = {"actor": actor, "page": page, **_client_cells(client)}

        def work(connection: Connection) -> tuple[Record, ...]:
            standing = _standing(connection, session_id, key)
            if standing:
                return _repeated(standing, asked, session_id)
            head = connection.execute(_HEAD, {"session": session_id}).mappings().first()
            last = int(head["seq"]) if head else 0
            if expect is not None and last != expect:
                raise LogMoved(f"Row {expect + 1} was to come next, {last} rows stand: read the session again.")
            rows = self._rows(session_id, drafted, key, place, head)
            _insert(connection, rows, drafted, asked)
            return tuple(Record(one.event, row) for one, row in zip(drafted, rows, strict=True))

        try:
            return self.writer.write(work)
        except LogUnavailable as error:
            if isinstance(error.__cause__, IntegrityError):
                raise LogRefused(f"Session {session_id} takes no such row: {error.__cause__.orig}.") from error
            raise

    def acted(self, session_id: str, key: str) -> tuple[Record, ...]:
        """The rows that the act `key` wrote; empty if it has written none."""
        with self.connected() as connection:
            return tuple(recorded(_stored(one)) for one in _standing(connection, session_id, key))

    def read(self, session_id: str) -> tuple[Record, ...]:
        """All rows of one session in order, those of other processes included."""
        with self._reading:
            known = self._read.get(session_id, ())
        newer = self._newer(session_id, known[-1].seq if known else 0)
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
        query = _chosen(_ROWS, session_id, study, without).order_by(events.c.session_id, events.c.seq)
        with self.connected() as connection:
            for page in connection.execution_options(yield_per=500).execute(query).mappings().partitions():
                yield from map(_stored, page)

    def count(self, *, study: str | None = None, without: Sequence[str] = ()) -> int:
        """How many rows `stream` would yield now."""
        query = _chosen(select(func.count()).select_from(events), None, study, without)
        with self.connected() as connection:
            return connection.execute(query).scalar_one()

    def sessions(self, *, study: str | None = None) -> tuple[str, ...]:
        """Ids of all sessions, in the order in which their first rows were written."""
        query = select(events.c.session_id).where(events.c.seq == 1).order_by(events.c.srv_utc_ns)
        if study is not None:
            query = query.where(events.c.study_id == study)
        with self.connected() as connection:
            return tuple(connection.execute(query).scalars())

    def studies(self) -> tuple[str, ...]:
        """Ids of all studies that have rows."""
        query = select(events.c.study_id).where(events.c.study_id.is_not(None)).distinct().order_by(events.c.study_id)
        with self.connected() as connection:
            return tuple(connection.execute(query).scalars())

    def verify(self, session_id: str) -> Verdict:
        """Recompute one session's chain from what the file holds, and name the first bad row."""
        return verdict(session_id, self.stored(session_id))

    def keep_script(self, script: StudyScript) -> None:
        """Store a script's full text under its digest, once, so that its sessions can be read for ever."""
        kept = {
            "script_sha256": script.sha256,
            "study_id": script.study.id,
            "version": script.study.version,
            "json": script.json,
            "stored_utc_ns": self.now().utc_ns,
        }
        self.writer.write(lambda connection: connection.execute(insert_or(scripts).on_conflict_do_nothing(), kept))

    def _newer(self, session_id: str, after: int) -> tuple[Record, ...]:
        with self.connected() as connection:
            found = connection.execute(_AFTER, {"session": session_id, "after": after}).mappings().all()
        return tuple(recorded(_stored(one)) for one in found)

    def _rows(
        self,
        session_id: str,
        drafted: Sequence[_Drafted],
        key: str,
        place: Mapping[str, Value],
        head: RowMapping | None,
    ) -> list[dict[str, Value]]:
        now = self.now()
        ended = str(head["name"]) if head else ""
        cause: str | None = None
        rows: list[dict[str, Value]] = []
        for number, one in enumerate(drafted):
            event = one.event
            if event.name not in AFTER_THE_END.get(ended, (event.name,)):
                raise LogRefused(f"Session {session_id} ended with {ended} and takes no {event.name}: start another.")
            before, after = event.state_ids()
            above = cast("Mapping[str, Any] | None", rows[-1] if rows else head)
            row: dict[str, Value] = dict.fromkeys(_COLUMNS)
            row |= _study_cells(event, above)
            row |= place
            row |= {
                "schema_version": SCHEMA_VERSION,
                "event_id": str(uuid.uuid4()),
                "idem_key": _idem_key(key, number),
                "session_id": session_id,
                "seq": above["seq"] + 1 if above else 1,
                "task_id": getattr(event, "task", None),
                "attempt": getattr(event, "attempt", None) if getattr(event, "task", None) else None,
                "page": getattr(event, "page", None) or place["page"],
                "name": event.name,
                "target": event.target(),
                "srv_utc_ns": now.utc_ns,
                "srv_mono_ns": now.mono_ns,
                "boot_id": now.boot_id,
                "before_state_id": before,
                "after_state_id": after,
                "cause_event_id": cause,
                "payload_digest": one.digest,
                "prev_hash": above["hash"] if above else GENESIS,
            }
            row["hash"] = row_hash(row)
            cause = cause or str(row["event_id"])
            ended = event.name
            rows.append(row)
        return rows

    @contextmanager
    def connected(self) -> Generator[Connection]:
        """A connection for reading, which sees one moment of the log from its first query on."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise unavailable(error.orig) from error


def _draft(event: Event) -> _Drafted:
    # What is written is what reads back: numbers take their field's type here, once.
    read = event_in(event.name, canonical(payload_of(event)))
    fields, salt = payload_of(read), secrets.token_hex(16)
    payload = canonical(fields)
    request = {name: value for name, value in fields.items() if name not in read.results}
    states = {digest(text): _Kept(text, state.edits_id) for state in read.states() for text in (state.text,)}
    return _Drafted(read, payload, salt, payload_digest(salt, payload), states, [read.name, read.target(), request])


def _idem_key(key: str, number: int) -> str:
    # Only a digest enters the chain, for a key may hold what a participant did.
    return digest(key) + (f"/{number}" if number else "")


def _standing(connection: Connection, session_id: str, key: str) -> Sequence[RowMapping]:
    # The rows of one act share the first row's key: DIGEST, DIGEST/1, ... and "0" is the character after "/".
    first = _idem_key(key, 0)
    return (
        connection.execute(_STANDING, {"session": session_id, "first": first, "beyond": f"{first}0"}).mappings().all()
    )


def _repeated(standing: Sequence[RowMapping], asked: str, session_id: str) -> tuple[Record, ...]:
    if any(row["request_digest"] != asked for row in standing):
        raise LogRefused(
            f"A key of session {session_id} was sent again with another act than {standing[0]['name']}, "
            "which stands; give each act a key of its own."
        )
    return tuple(recorded(_stored(one)) for one in standing)


def _insert(connection: Connection, rows: Sequence[dict[str, Value]], drafted: Sequence[_Drafted], asked: str) -> None:
    met = {key: state for one in drafted for key, state in one.states.items()}
    if met:
        connection.execute(
            insert_or(states).on_conflict_do_nothing(),
            [{"state_id": key, "edits_id": state.edits_id, "json": state.json} for key, state in met.items()],
        )
    connection.execute(insert(events), list(rows))
    connection.execute(
        insert(payloads),
        [
            {"event_id": row["event_id"], "salt": one.salt, "request_digest": asked, "json": one.payload}
            for row, one in zip(rows, drafted, strict=True)
        ],
    )


def _study_cells(event: Event, above: Mapping[str, Any] | None) -> dict[str, Value]:
    if isinstance(event, SessionStarted):
        return {
            "study_id": event.study,
            "script_sha256": event.script_sha256,
            "participant_pseudonym": event.participant,
            "mode": event.mode,
        }
    copied = ("study_id", "script_sha256", "participant_pseudonym", "mode")
    return {column: above[column] if above else None for column in copied}


def _client_cells(client: ClientTime | None) -> dict[str, Value]:
    known = client or ClientTime()
    return {
        "client_epoch_ms": _kept_ms(known.epoch_ms),
        "client_perf_ms": _kept_ms(known.perf_ms),
        "client_time_origin": _kept_ms(known.time_origin),
    }


def _kept_ms(ms: float | None) -> float | None:
    # The hash covers what reads back, and a REAL column keeps neither NaN nor -0.0, nor a whole number as one.
    return None if ms is None or not math.isfinite(ms) else float(ms) + 0.0


def _chosen(query: Select[Any], session_id: str | None, study: str | None, without: Sequence[str]) -> Select[Any]:
    # Whole streams or none: a chain can be checked only from its first row on.
    mine = events.c.session_id
    if session_id is not None:
        query = query.where(mine == session_id)
    if study is not None:
        query = query.where(mine.in_(select(mine).where(events.c.study_id == study)))
    if without:
        query = query.where(mine.not_in(select(mine).where(events.c.mode.in_(without))))
    return query


def _stored(found: RowMapping) -> Stored:
    row = {column: cast("Value", found[column]) for column in _COLUMNS}
    return Stored(row, cast("str | None", found["salt"]), cast("str | None", found["json"]))


def recorded(one: Stored) -> Record:
    """A stored row with its event read; without one where the payload was erased."""
    return Record(None if one.payload is None else event_in(str(one.row["name"]), one.payload), one.row)
