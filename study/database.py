"""Opens the record: a file that is ours or new, with every table and guard, and the settings each connection needs."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from core.types import TillerError
from study.guards import stand_guard
from study.schema import record

_LAYOUT = (
    "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c "
    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY t.name, c.cid"
)


class LogUnavailable(TillerError):
    """The database could not be opened, read or written just now; the same act may be tried again with its key."""


def connect(url: str, *, make: bool = True, patience_s: float = 10.0) -> Engine:
    """An engine on the record at `url`; a file that holds something else is refused and left as it is.

    Args:
        url: sqlite:///PATH.
        make: make the file, its tables and guards where they are missing. Without it the record must be there, and
            opening it adds nothing to it.
        patience_s: how long a write waits for another process to release the file before it raises LogUnavailable.
    """
    address = _address(url)
    path = Path(str(address.database))
    if make:
        _make_room(path)
    elif not path.exists():
        raise TillerError(
            f"The record {path} was asked for, and there is no such file; "
            "set TILLER_DATABASE_URL to the one that the app writes."
        )
    _recognise(path, new_is_fine=make)
    # Every session's thread may read at the same time: none of them waits for another's connection.
    engine = create_engine(address, connect_args={"timeout": patience_s}, max_overflow=-1)
    event.listen(engine, "connect", _settle)
    event.listen(engine, "begin", _begin)
    if make:
        event.listen(engine, "connect", _keep_a_write_ahead_log)
        try:
            with writing(engine).begin() as connection:
                record.create_all(connection)
                stand_guard(connection)
        except DBAPIError as error:
            engine.dispose()
            raise unavailable(error.orig) from error
    return engine


def _address(url: str) -> URL:
    try:
        asked = make_url(url)
    except ArgumentError as error:
        raise TillerError(
            "The database's address cannot be read; it is written sqlite:///PATH. "
            "Set TILLER_DATABASE_URL to one, or leave it out."
        ) from error
    if asked.drivername not in ("sqlite", "sqlite+pysqlite") or asked.query:
        raise TillerError(
            f"Database {asked.render_as_string()} was asked for; this version keeps its record in SQLite. "
            "Set TILLER_DATABASE_URL to sqlite:///PATH with nothing after the path, or leave it out."
        )
    if not asked.database or asked.database == ":memory:":
        raise TillerError("A database in memory was asked for; a record is kept in a file: name one, sqlite:///PATH.")
    return asked


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TillerError(
            f"The record was to be kept in {path.parent}, and that folder cannot be made ({error.strerror}). "
            "Name another in TILLER_DATABASE_URL."
        ) from error


def _recognise(path: Path, *, new_is_fine: bool) -> None:
    """Refuse a file whose tables are not the record's, before anything is written to it."""
    found: dict[str, list[str]] = {}
    try:
        with closing(sqlite3.connect(path)) as connection:
            for table, column in connection.execute(_LAYOUT):
                found.setdefault(table, []).append(column)
    except sqlite3.Error as error:
        raise unavailable(error) from error
    ours = {name: [column.name for column in table.columns] for name, table in record.tables.items()}
    strange = [name for name, columns in found.items() if ours.get(name, columns) != columns]
    if ("events" in found and not strange) or (new_is_fine and not found):
        return
    holds = ", ".join((strange or list(found))[:5]) or "none"
    raise TillerError(
        f"The file {path} was asked for as the record; its tables are not those of this version ({holds}). "
        "It was left as it is: set TILLER_DATABASE_URL to another file."
    )


def writing(engine: Engine) -> Engine:
    """The same engine for writers: its transactions take the write lock before they read."""
    return engine.execution_options(takes_write_lock=True)


def unavailable(error: BaseException | None) -> LogUnavailable:
    """One sentence for a person who waits for an act to be saved, from the driver's own error."""
    said = str(error)
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
