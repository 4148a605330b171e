"""The record on a server: PostgreSQL, where several app processes write at once and take turns per session."""

from __future__ import annotations

import time
import weakref
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from study.guards import GUARDS
from study.traces import found_in

# What the driver says in trouble, and what that means to a person.
TROUBLE = {
    "password authentication failed": "the server does not know this name and password; check TILLER_DATABASE_URL",
    "does not exist": "the server has no such database or user; make it with createdb, or check TILLER_DATABASE_URL",
    "could not translate host": "there is no such host; check TILLER_DATABASE_URL",
    "failed to resolve host": "there is no such host; check TILLER_DATABASE_URL",
    "refused": "no server answers there; start it, or check TILLER_DATABASE_URL",
    "No such file or directory": "no server answers there; start it, or check TILLER_DATABASE_URL",
    "lock timeout": "another program holds it; the act can be sent again in a moment",
    "deadlock": "two writers waited for each other; the act can be sent again in a moment",
    "too many clients": "the server has no connection left; the act can be sent again in a moment",
    "connection slots": "the server has no connection left; the act can be sent again in a moment",
    "read-only transaction": "it may only be read; give the user of TILLER_DATABASE_URL the right to write",
    "permission denied": "it is not allowed; give the user of TILLER_DATABASE_URL the right to write",
    "No space left": "the disk is full; make room and send the act again",
    "connection": "the connection was lost; the act can be sent again in a moment",
}
_EMPTIED = ("payloads", "participants", "media_chunks", "leases", "events", "arrivals", "platform_ids")
_SWITCHES = 64
# what a search for erased words goes through, and what it cannot
_TABLES, _AHEAD, _ELSEWHERE = "files of the tables", "the write-ahead log", "archives and replicas"
_CHUNK = 1 << 22
_PIECE = text("SELECT pg_read_binary_file(:file, :at, :length, true)")
# Snapshots of this database that are older than a transaction; our own does not count.
_OLDER = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_xmin IS NOT NULL AND age(backend_xmin) > age(CAST(CAST(:cut AS text) AS xid))"
)
_MAY_CHECKPOINT = (
    "SELECT rolsuper OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'USAGE')) "
    "FROM pg_roles WHERE rolname = current_user"
)
_LAYOUT = (
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
)
_COMPRESSED = "SELECT attstorage <> 'e' FROM pg_attribute WHERE attrelid = 'payloads'::regclass AND attname = 'json'"
_STANDING = (
    "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled = 'O' "
    "AND c.relnamespace = current_schema()::regnamespace"
)


def address_of(asked: URL) -> URL:
    """The address as SQLAlchemy takes it: the driver is psycopg 3 under every name of the database."""
    return asked.set(drivername="postgresql+psycopg")


def layout_at(address: URL, *, make: bool) -> dict[str, list[str]]:
    """Tables of the address's own schema and their columns; `make` means nothing here: a database is made by hand."""
    engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": 10})
    with engine.connect() as connection:
        return layout_in(connection)


def layout_in(connection: Connection) -> dict[str, list[str]]:
    """The same, as a transaction sees it."""
    found: dict[str, list[str]] = {}
    for table, column in connection.exec_driver_sql(_LAYOUT):
        found.setdefault(table, []).append(column)
    return found


def open_engine(address: URL, *, make: bool, patience_s: float) -> Engine:
    """An engine whose readers see one moment of the record each, as SQLite's do."""
    engine = create_engine(
        address,
        connect_args={"connect_timeout": 10},
        isolation_level="REPEATABLE READ",
        pool_size=10,
        max_overflow=20,
        pool_timeout=patience_s,
        pool_pre_ping=True,  # a server that was restarted has cut the connections that lay here
    )

    def settle(connection: object, _entry: ConnectionPoolEntry) -> None:
        with connection.cursor() as cursor:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
            cursor.execute("SET synchronous_commit = on")  # pyright: ignore[reportUnknownMemberType]
            cursor.execute(f"SET lock_timeout = {int(1000 * patience_s)}")  # pyright: ignore[reportUnknownMemberType]
        connection.commit()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    event.listen(engine, "connect", settle)
    weakref.finalize(engine, engine.pool.dispose)  # connections that lie in an engine nobody has any more
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine for writers, who must see what was committed while they waited for their turn."""
    return engine.execution_options(isolation_level="READ COMMITTED")


def stand_guard(connection: Connection) -> None:
    """Put up every guard that is missing, switched off, or is not the one written here."""
    standing: dict[str, str] = {row.tgname: row.prosrc for row in connection.exec_driver_sql(_STANDING)}
    # Long texts as they are: a search for what was to be erased could not see into compressed ones.
    if connection.exec_driver_sql(_COMPRESSED).scalar():
        connection.exec_driver_sql("ALTER TABLE payloads ALTER COLUMN json SET STORAGE EXTERNAL")
    for guard in GUARDS:
        body = guard.in_postgresql()
        if standing.get(guard.name) == body:
            continue
        each = "STATEMENT" if guard.act == "TRUNCATE" else "ROW"
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS $guard${body}$guard$"
        )
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {guard.name} ON {guard.table}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {guard.name} BEFORE {guard.act} ON {guard.table} "
            f"FOR EACH {each} EXECUTE FUNCTION {guard.name}()"
        )


def take_turn(connection: Connection, name: str) -> None:
    """Wait until no other writer is at `name`, and hold it to the end of the transaction.

    A lock by name and not on a row: a stream that is about to begin has no row to lock yet.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def files_of(_engine: Engine) -> tuple[Path, ...]:
    """None that this machine could read; the server has them."""
    return ()


@dataclass(frozen=True, slots=True)
class Searched:
    """What was looked through on a server, what was closed to us, and which of the words were there."""

    searched: tuple[str, ...]
    unsearched: tuple[str, ...]
    found: frozenset[bytes]


def settle_files(engine: Engine, patience_s: float) -> bool:
    """Have the server rewrite the tables that rows were taken from; plain VACUUM leaves the words in their pages.

    A transaction that began before the rows went would have them copied along: it is waited for.
    """
    until = time.monotonic() + patience_s
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        (cut,) = connection.exec_driver_sql("SELECT pg_current_xact_id()::text").one()
        while connection.execute(_OLDER, {"cut": int(cut)}).scalar():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        try:
            for table in _EMPTIED:
                connection.exec_driver_sql(f"VACUUM FULL {table}")
        except DBAPIError:  # a reader holds one of them longer than a lock is waited for
            return False
    return True


def search_server(engine: Engine, words: Collection[bytes]) -> Searched:
    """Search the tables' files and the write-ahead log for `words`, as far as the server lets this user read them.

    The log keeps what was written until its segments are used again, so segments are switched until nothing is found.
    """
    searched: list[str] = ["every table"]
    unsearched: list[str] = []
    found: set[bytes] = set()
    places = {_TABLES: _in_tables, _AHEAD: _in_write_ahead_log}
    for name, look in places.items():
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                found |= look(connection, words)
            except DBAPIError:  # not a superuser, nor one who may read the server's files
                unsearched.append(name)
            else:
                searched.append(name)
    return Searched(tuple(searched), (*unsearched, _ELSEWHERE), frozenset(found))


def unreadable(engine: Engine) -> tuple[str, ...]:
    """What this user may not search; asked of the server's privileges, without a look into its files."""
    read = "pg_read_binary_file(text,bigint,bigint,boolean)"
    needed = {_TABLES: (read,), _AHEAD: (read, "pg_ls_waldir()", "pg_switch_wal()")}
    may = text("SELECT has_function_privilege(:function, 'EXECUTE')")
    with engine.connect() as connection:
        checkpoint = bool(connection.exec_driver_sql(_MAY_CHECKPOINT).scalar())
        closed = [
            name
            for name, functions in needed.items()
            if not checkpoint or not all(connection.execute(may, {"function": one}).scalar() for one in functions)
        ]
    return (*closed, _ELSEWHERE)


def _in_tables(connection: Connection, words: Collection[bytes]) -> set[bytes]:
    connection.exec_driver_sql("CHECKPOINT")  # what the server holds in memory is not in its files yet
    files = connection.exec_driver_sql(
        "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relkind IN ('r', 'i') UNION SELECT pg_relation_filepath(reltoastrelid) FROM pg_class "
        "WHERE relnamespace = current_schema()::regnamespace AND reltoastrelid <> 0"
    ).scalars()
    return found_in(words, (part for file in files.all() for part in _read(connection, file)))


def _in_write_ahead_log(connection: Connection, words: Collection[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for _ in range(_SWITCHES):
        connection.exec_driver_sql("SELECT pg_switch_wal()")
        connection.exec_driver_sql("CHECKPOINT")
        files = connection.exec_driver_sql("SELECT 'pg_wal/' || name FROM pg_ls_waldir()").scalars().all()
        found = found_in(words, (part for file in files for part in _read(connection, file)))
        if not found:
            break
    return found


def _read(connection: Connection, file: str) -> Iterator[bytes]:
    """A file of the server, in pieces; empty if it has gone meanwhile."""
    for at in count(0, _CHUNK):
        piece = connection.execute(_PIECE, {"file": file, "at": at, "length": _CHUNK}).scalar()
        if not piece:
            return
        yield bytes(piece)
