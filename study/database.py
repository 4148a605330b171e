"""The tables of the record, the triggers that refuse to forget, and the settings each connection needs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import (
    DDL,
    REAL,
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from core.types import TillerError

WHOLE = BigInteger().with_variant(Integer(), "sqlite")  # a STRICT table knows INTEGER only, and it has 64 bits

record = MetaData()

events = Table(
    "events",
    record,
    # identity
    Column("schema_version", Integer, nullable=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("idem_key", Text, nullable=False),
    Column("study_id", Text),
    Column("script_sha256", Text),
    # place
    Column("session_id", Text, primary_key=True),
    Column("participant_pseudonym", Text),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("task_id", Text),
    Column("attempt", Integer),
    Column("page", Text),
    Column("mode", Text),
    # act
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("target", Text),
    # time
    Column("srv_utc_ns", WHOLE, nullable=False),
    Column("srv_mono_ns", WHOLE, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("client_epoch_ms", REAL),
    Column("client_perf_ms", REAL),
    Column("client_time_origin", REAL),
    Column("offset_ms", REAL),
    Column("offset_err_ms", REAL),
    Column("media_id", Text),
    Column("media_ms", REAL),
    # model
    Column("before_state_id", Text),
    Column("after_state_id", Text),
    # links
    Column("voids_event_id", Text),
    Column("cause_event_id", Text),
    # chain
    Column("payload_digest", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("session_id", "idem_key"),
    sqlite_strict=True,
)

payloads = Table(
    "payloads",
    record,
    Column("event_id", Text, ForeignKey("events.event_id"), primary_key=True),
    Column("salt", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("json", Text, nullable=False),
    sqlite_strict=True,
)

states = Table(
    "states",
    record,
    Column("state_id", Text, primary_key=True),
    Column("edits_id", Text, nullable=False, index=True),
    Column("json", Text, nullable=False),
    sqlite_strict=True,
)

scripts = Table(
    "scripts",
    record,
    Column("script_sha256", Text, primary_key=True),
    Column("study_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("json", Text, nullable=False),
    Column("stored_utc_ns", WHOLE, nullable=False),
    sqlite_strict=True,
)

participants = Table(
    "participants",
    record,
    Column("session_id", Text, primary_key=True),
    Column("study_id", Text, nullable=False),
    Column("pseudonym", Text, nullable=False),
    Column("link_sha256", Text, nullable=False, unique=True),
    Column("keyed_hash", Text),
    Column("admitted_utc_ns", WHOLE, nullable=False),
    UniqueConstraint("study_id", "pseudonym"),
    UniqueConstraint("study_id", "keyed_hash"),
    sqlite_strict=True,
)

media_chunks = Table(
    "media_chunks",
    record,
    Column("media_id", Text, primary_key=True),
    Column("chunk", Integer, primary_key=True, autoincrement=False),
    Column("session_id", Text, nullable=False, index=True),
    Column("sha256", Text, nullable=False),
    Column("start_ms", WHOLE, nullable=False),
    Column("length_ms", WHOLE, nullable=False),
    Column("bytes", WHOLE, nullable=False),
    Column("stored_utc_ns", WHOLE, nullable=False),
    sqlite_strict=True,
)

leases = Table(
    "leases",
    record,
    Column("session_id", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("taken_utc_ns", WHOLE, nullable=False),
    Column("renewed_utc_ns", WHOLE, nullable=False),
    sqlite_strict=True,
)

# What is to be deleted is named here first: `payloads` for one stream's words, `stream` for its rows as well.
erasures = Table(
    "erasures",
    record,
    Column("session_id", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("named_utc_ns", WHOLE, nullable=False),
    sqlite_strict=True,
)


class LogUnavailable(TillerError):
    """The database could not be opened, read or written just now; the same act may be tried again with its key."""


def connect(url: str, *, patience_s: float = 10.0) -> Engine:
    """An engine on the record at `url`, its tables and triggers made where they are missing.

    A write waits up to `patience_s` for another process to release the file, then raises LogUnavailable.
    """
    _make_room(url)
    engine = create_engine(url, connect_args={"timeout": patience_s})
    event.listen(engine, "connect", _settle)
    event.listen(engine, "begin", _begin)
    try:
        with writing(engine).begin() as connection:
            record.create_all(connection)
    except DBAPIError as error:
        engine.dispose()
        raise unavailable(error) from error
    return engine


def _make_room(url: str) -> None:
    """Make the folder of the file that `url` names, or say why there can be none."""
    try:
        asked = make_url(url)
    except ArgumentError as error:
        raise TillerError(
            "The database's address cannot be read; it is written sqlite:///PATH. "
            "Set TILLER_DATABASE_URL to one, or leave it out."
        ) from error
    if asked.get_backend_name() != "sqlite":
        raise TillerError(
            f"Database {asked.render_as_string()} was asked for; this version keeps its record in SQLite. "
            "Set TILLER_DATABASE_URL to sqlite:///PATH, or leave it out."
        )
    if not asked.database or asked.database == ":memory:":
        raise TillerError("A database in memory was asked for; a record is kept in a file: name one, sqlite:///PATH.")
    folder = Path(asked.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TillerError(
            f"The record was to be kept in {folder}, and that folder cannot be made ({error.strerror}). "
            "Name another in TILLER_DATABASE_URL."
        ) from error


def writing(engine: Engine) -> Engine:
    """The same engine for writers: its transactions take the write lock before they read."""
    return engine.execution_options(takes_write_lock=True)


def unavailable(error: DBAPIError) -> LogUnavailable:
    """One sentence for a person who waits for an act to be saved."""
    said = str(error.orig)
    known = {
        "locked": "another program holds it; the act can be sent again in a moment",
        "readonly": "it may only be read; give the server the right to write the file and its folder",
        "read-only": "it may only be read; give the server the right to write the file and its folder",
        "full": "the disk is full; make room and send the act again",
        "unable to open": "it cannot be opened; check that the path in TILLER_DATABASE_URL exists and is a database",
        "not a database": "the file is not a database; check the path in TILLER_DATABASE_URL",
        "malformed": "the file is damaged; stop the server and restore the last backup",
    }
    why = next((words for sign, words in known.items() if sign in said), "nothing was saved; send the act again")
    return LogUnavailable(f"The record could not be used ({said}): {why}.")


def _settle(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy then says BEGIN itself, and _begin says which
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another has written in between.
    immediate = connection.get_execution_options().get("takes_write_lock", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _guard(table: Table, name: str, act: str, sentence: str, *, when: str = "") -> None:
    """Have the database itself refuse `act` on `table`, with `sentence`, always or under a condition."""
    condition = f"WHEN {when} " if when else ""
    ddl = DDL(
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON {table.name} {condition}"
        f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
    )
    event.listen(table, "after_create", ddl.execute_if(dialect="sqlite"))


_NAMED = "EXISTS (SELECT 1 FROM erasures WHERE session_id = {session} AND what IN ({what}))"
_OWNER = "(SELECT session_id FROM events WHERE event_id = OLD.event_id)"

_guard(events, "events_never_change", "UPDATE", "a row of the log is never changed; void it with a later event")
_guard(
    events,
    "events_stay",
    "DELETE",
    "a row of the log is never deleted; name its stream in erasures first",
    when="NOT " + _NAMED.format(session="OLD.session_id", what="'stream'"),
)
# REPLACE deletes without firing a delete trigger where a connection forgot recursive_triggers: refused on the way in.
_guard(
    events,
    "events_never_replaced",
    "INSERT",
    "a row of the log is never replaced",
    when="EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id) OR EXISTS "
    "(SELECT 1 FROM events WHERE session_id = NEW.session_id AND idem_key = NEW.idem_key)",
)
_guard(
    events,
    "events_leave_no_gap",
    "INSERT",
    "rows of one session are numbered 1, 2, 3 without a gap",
    when="NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE session_id = NEW.session_id)",
)
_guard(
    events,
    "events_end_with_erasure",
    "INSERT",
    "this session was erased and takes no further rows",
    when=_NAMED.format(session="NEW.session_id", what="'stream', 'payloads'"),
)
_guard(payloads, "payloads_never_change", "UPDATE", "a payload is never changed")
_guard(
    payloads,
    "payloads_stay",
    "DELETE",
    "a payload is never deleted; name its stream in erasures first",
    when="NOT " + _NAMED.format(session=_OWNER, what="'stream', 'payloads'"),
)
_guard(
    payloads,
    "payloads_never_replaced",
    "INSERT",
    "a payload is never replaced",
    when="EXISTS (SELECT 1 FROM payloads WHERE event_id = NEW.event_id)",
)
_guard(states, "states_never_change", "UPDATE", "a state is never changed")
_guard(
    states,
    "states_stay",
    "DELETE",
    "a state is kept while an event refers to it",
    when="EXISTS (SELECT 1 FROM events WHERE OLD.state_id IN (before_state_id, after_state_id))",
)
_guard(scripts, "scripts_never_change", "UPDATE", "a stored script is never changed; raise its version")
_guard(scripts, "scripts_stay", "DELETE", "a stored script is never deleted")
_guard(erasures, "erasures_never_change", "UPDATE", "a named erasure is never changed")
_guard(erasures, "erasures_stay", "DELETE", "a named erasure is never deleted")
