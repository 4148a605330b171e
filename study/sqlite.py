"""The record in a file: SQLite, one writer at a time, each commit on the disk before it is answered."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from core.types import TillerError
from study.guards import GUARDS

# What the driver says in trouble, and what that means to a person.
TROUBLE = {
    "locked": "another program holds it; the act can be sent again in a moment",
    "readonly": "it may only be read; give the server the right to write the file and its folder",
    "read-only": "it may only be read; give the server the right to write the file and its folder",
    "full": "the disk is full; make room and send the act again",
    "unable to open": "it cannot be opened; check that the path in TILLER_DATABASE_URL exists and is a database",
    "not a database": "the file is not a database; check the path in TILLER_DATABASE_URL",
    "malformed": "the file is damaged; stop the server and restore the last backup",
}
_LAYOUT = (
    "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c "
    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY t.name, c.cid"
)


def address_of(asked: URL) -> URL:
    """The address as SQLAlchemy takes it.

    Raises:
        TillerError: it names no file.
    """
    if asked.query:
        raise TillerError(
            f"Database {asked.render_as_string()} was asked for; a file's address has nothing after its path. "
            "Set TILLER_DATABASE_URL to sqlite:///PATH."
        )
    if not asked.database or asked.database == ":memory:":
        raise TillerError("A database in memory was asked for; a record is kept in a file: name one, sqlite:///PATH.")
    return asked


def layout_at(address: URL, *, make: bool) -> dict[str, list[str]]:
    """Tables and their columns, read before anything of ours touches the file; none of a file that is not there.

    Raises:
        TillerError: the file is not there and is not to be made, or its folder cannot be made.
        sqlite3.Error: it cannot be opened, or is no database.
    """
    path = Path(str(address.database))
    if make:
        _make_room(path)
    elif not path.exists():
        raise TillerError(
            f"The record {path} was asked for, and there is no such file; "
            "set TILLER_DATABASE_URL to the one that the app writes."
        )
    with closing(sqlite3.connect(path)) as connection:
        return _by_table(connection.execute(_LAYOUT))


def layout_in(connection: Connection) -> dict[str, list[str]]:
    """The same, as a transaction sees it."""
    return _by_table(connection.exec_driver_sql(_LAYOUT))


def _by_table(rows: Iterable[Sequence[Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def open_engine(address: URL, *, make: bool, patience_s: float) -> Engine:
    """An engine whose connections have the settings that the record rests on."""
    # Every session's thread may read at the same time: none of them waits for another's connection, or opens the file.
    engine = create_engine(address, connect_args={"timeout": patience_s}, pool_size=32, max_overflow=-1)
    event.listen(engine, "connect", _settle)
    event.listen(engine, "begin", _begin)
    if make:
        event.listen(engine, "connect", _keep_a_write_ahead_log)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine for writers: its transactions take the write lock before they read."""
    return engine.execution_options(takes_write_lock=True)


def stand_guard(connection: Connection) -> None:
    """Put up every guard that is missing or is not the one written here; a restored file may have lost some."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    standing: dict[str, str] = {row.name: row.sql for row in rows}
    for guard in GUARDS:
        if guard.act != "TRUNCATE" and standing.get(guard.name) != guard.in_sqlite():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {guard.name}")
            connection.exec_driver_sql(guard.in_sqlite())


def take_turn(_connection: Connection, _name: str) -> None:
    """Nothing: whoever writes here holds the whole file."""


def files_of(engine: Engine) -> tuple[Path, ...]:
    """The database's files: the record itself first, then what SQLite keeps beside it."""
    path = Path(str(engine.url.database))
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def settle_files(engine: Engine, patience_s: float) -> bool:
    """Empty the write-ahead log into the file; another's reader holds it back, so wait for that to end."""
    until = time.monotonic() + patience_s
    with closing(sqlite3.connect(files_of(engine)[0], isolation_level=None)) as connection:
        while True:
            busy, left, done = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy and left == done:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TillerError(
            f"The record was to be kept in {path.parent}, and that folder cannot be made ({error.strerror}). "
            "Name another in TILLER_DATABASE_URL."
        ) from error


def _settle(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy then says BEGIN itself, and _begin says which
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _keep_a_write_ahead_log(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # For this one change SQLite does not wait for the lock: processes that start together would refuse each other.
    (patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until = time.monotonic() + patience_ms / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another has written in between.
    immediate = connection.get_execution_options().get("takes_write_lock", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
