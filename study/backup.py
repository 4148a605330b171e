"""A whole and consistent copy of the record, made while the app writes to it, and the way back from a copy."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Engine, Table, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from core.types import TillerError
from study.database import connect, unavailable, writing
from study.log import EventLog
from study.schema import erasures, record

_PAGE = 500
Progress = Callable[[int, int], None]


def back_up(log: EventLog, out: Path) -> Path:
    """Copy the record to the new file `out`: one moment of it, compact, without the remains of what was erased.

    A record on a server is copied to a file as well: the copy is a record of its own, which every command opens.

    Raises:
        TillerError: `out` is there already or cannot be written, or the record is damaged; nothing is left of a copy.
    """
    if out.exists():
        raise TillerError(f"The copy was to be {out}, and that is there already; name a file that is not.")
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if log.files:
            with closing(sqlite3.connect(f"{log.files[0].resolve().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("VACUUM INTO ?", (str(aside),))
        else:
            _copy_from_server(log.engine, aside)
        with closing(sqlite3.connect(aside)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check").fetchone()
            strays = copy.execute("PRAGMA foreign_key_check").fetchall()
        if said != "ok" or strays:
            raise sqlite3.DatabaseError(f"the copy is malformed: {said if said != 'ok' else strays[0]}")
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(out)
    except sqlite3.Error as error:
        name = log.engine.url.database
        raise TillerError(f"The record {name} could not be copied ({error}); ask `tiller verify`.") from error
    except OSError as error:
        raise TillerError(
            f"The copy was to be {out}, and that failed ({error.strerror}); name another file."
        ) from error
    finally:
        for left in (aside, *(aside.with_name(aside.name + end) for end in ("-wal", "-shm"))):
            with suppress(OSError):
                left.unlink()
    return out


def restore(copy: Path, log: EventLog, *, progress: Progress = lambda done, of: None) -> int:
    """Copy every row of the record in the file `copy` into the record of `log`, which must be empty; their number.

    Raises:
        TillerError: there is no such file, or the record holds rows already; nothing was written.
    """
    source = connect(f"sqlite:///{copy}", make=False)
    with log.connected() as connection:
        stand = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in _tables())
    if stand:
        raise TillerError(
            f"A copy was to be restored, and the record holds {stand} rows already; "
            "set TILLER_DATABASE_URL to a database that is empty."
        )
    try:
        return _copy(source, log.engine, progress)
    finally:
        source.dispose()


def _copy_from_server(server: Engine, aside: Path) -> None:
    target = connect(f"sqlite:///{aside}")
    try:
        _copy(server, target, lambda done, of: None)
        with target.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
    finally:
        target.dispose()


def _copy(source: Engine, target: Engine, progress: Progress) -> int:
    """Every table in one transaction of each side, through the guards of the target."""
    copied = 0
    try:
        with source.connect() as reader, writing(target).begin() as writer:
            there = set(inspect(reader).get_table_names())  # a copy that was handed on lacks some
            tables = [table for table in _tables() if table.name in there]
            of = sum(reader.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
            for table in tables:
                ordered = select(table).order_by(*table.primary_key.columns)
                with reader.execution_options(yield_per=_PAGE).execute(ordered) as found:
                    for page in found.mappings().partitions():
                        writer.execute(insert(table), [dict(row) for row in page])
                        copied += len(page)
                        progress(copied, of)
    except DBAPIError as error:
        raise unavailable(error) from error
    return copied


def _tables() -> list[Table]:
    # what is named for erasure takes no rows any more: its names come last
    return [table for table in record.sorted_tables if table is not erasures] + [erasures]
