"""Opens the record: a database that is ours or new, with every table and guard, in the layout of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, Engine, Insert, Table, make_url
from sqlalchemy.dialects.postgresql import insert as insert_in_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from core.types import TillerError
from study import postgresql, sqlite
from study.migration import FIRST, KEPT_IN, LAYOUTS, bring_up, make_tables
from study.postgresql import Searched
from study.schema import VERSION

BESIDE = frozenset({"utterances", "codes", "memos", "codebook"})  # tables that an export adds to its copy
_KINDS: dict[str, ModuleType] = {
    "sqlite": sqlite,
    "sqlite+pysqlite": sqlite,
    "postgresql": postgresql,
    "postgresql+psycopg": postgresql,
    "postgres": postgresql,
}


class LogUnavailable(TillerError):
    """The database could not be opened, read or written just now; the same act may be tried again with its key."""


def connect(url: str, *, make: bool = True, patience_s: float = 10.0) -> Engine:
    """An engine on the record at `url`; a database that holds something else is refused and left as it is.

    Args:
        url: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE.
        make: make the tables and guards where they are missing, and bring a record of an earlier version up to this
            one. Without it the record must be there, and opening it adds nothing to it.
        patience_s: how long a write waits for another process to release what it holds before it raises LogUnavailable.
    """
    kind, address = _asked(url)
    try:
        stands = _recognise(kind.layout_at(address, make=make), address, make=make)
        engine: Engine = kind.open_engine(address, make=make, patience_s=patience_s)
    except (DBAPIError, sqlite3.Error) as error:
        raise unavailable(error) from error
    if make:
        try:
            with writing(engine).begin() as connection:
                _set_up(connection, kind, address, stands)
        except DBAPIError as error:
            engine.dispose()
            raise unavailable(error) from error
    return engine


def has_record(url: str) -> bool:
    """Whether anything is at `url` yet; of a server, whose absence is no answer, always true."""
    kind, address = _asked(url)
    return kind is not sqlite or Path(str(address.database)).exists()


def _asked(url: str) -> tuple[Any, URL]:
    try:
        asked = make_url(url)
    except ArgumentError as error:
        raise TillerError(
            "The database's address cannot be read; it is written sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE. Set TILLER_DATABASE_URL to one, or leave it out."
        ) from error
    kind = _KINDS.get(asked.drivername)
    if kind is None:
        raise TillerError(
            f"Database {asked.render_as_string()} was asked for; a record is kept in SQLite or PostgreSQL. "
            "Set TILLER_DATABASE_URL to sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out."
        )
    return kind, kind.address_of(asked)


def _recognise(found: dict[str, list[str]], address: URL, *, make: bool) -> str | None:
    """The version of the layout that stands; None where nothing does.

    Raises:
        TillerError: what stands is not ours, or was made by a later version.
    """
    if not found and make:
        return None
    aside = {KEPT_IN} if make else {KEPT_IN, *BESIDE}
    tables = {table: columns for table, columns in found.items() if table not in aside}
    for version, layout in LAYOUTS.items():
        # a copy that was handed on lacks the tables that lead to people; it may be read as it is
        copied = not make and "events" in tables and all(layout.get(name) == tables[name] for name in tables)
        if (tables == layout or copied) and (version == FIRST or KEPT_IN in found):
            return version
    name = address.database if address.drivername.startswith("sqlite") else address.render_as_string()
    if KEPT_IN in found and "events" in found:
        raise TillerError(
            f"The record {name} was made by a later version of Tiller: its tables are not those of this one. "
            "It was left as it is; open it with the version that made it."
        )
    ours = LAYOUTS[VERSION]
    holds = ", ".join([table for table in found if ours.get(table) != found[table]][:5]) or "none"
    raise TillerError(
        f"The database {name} was asked for as the record; its tables are not those of this version ({holds}). "
        "It was left as it is: set TILLER_DATABASE_URL to another."
    )


def _set_up(connection: Connection, kind: Any, address: URL, stood: str | None) -> None:
    """Tables, layout and guards; processes that start together do it one after the other."""
    kind.take_turn(connection, "tiller set-up")
    if stood != VERSION:
        # another process may have done it while this one waited
        found = kind.layout_in(connection)
        stands = _recognise(found, address, make=True)
        if stands is None:
            make_tables(connection)
        elif stands != VERSION:
            bring_up(connection, untold=stands == FIRST and KEPT_IN not in found)
    kind.stand_guard(connection)


def _kind_of(connection: Connection | Engine) -> Any:
    return _KINDS[connection.dialect.name]


def writing(engine: Engine) -> Engine:
    """The same engine for writers."""
    return _kind_of(engine).writing(engine)


def take_turn(connection: Connection, name: str) -> None:
    """Be the only writer at `name` until the transaction ends, in this process and all others."""
    _kind_of(connection).take_turn(connection, name)


def insert_new(connection: Connection, table: Table) -> Insert:
    """An insert that leaves out rows whose key stands already; another row under such a key is refused by a guard."""
    insert = insert_in_postgresql if connection.dialect.name == "postgresql" else insert_in_sqlite
    return insert(table).on_conflict_do_nothing()


def files_of(engine: Engine) -> Iterable[Any]:
    """The files of the record that this machine can read, the record itself first."""
    return _kind_of(engine).files_of(engine)


def settle_files(engine: Engine, patience_s: float) -> bool:
    """Have the pages written anew from which rows were taken; False if readers held them longer than that."""
    return _kind_of(engine).settle_files(engine, patience_s)


def search_server(engine: Engine, words: Collection[bytes]) -> Searched | None:
    """What a search of the server's own files for `words` found; None where the record is a file."""
    return postgresql.search_server(engine, words) if engine.dialect.name == "postgresql" else None


def unreadable(engine: Engine) -> tuple[str, ...]:
    """What of a server's own files `search_server` could not search; nothing where the record is a file."""
    return postgresql.unreadable(engine) if engine.dialect.name == "postgresql" else ()


def unavailable(error: BaseException | None) -> LogUnavailable:
    """One sentence for a person who waits for an act to be saved, from the driver's own error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = first_line(cause)
    trouble = sqlite.TROUBLE if isinstance(cause, sqlite3.Error) else postgresql.TROUBLE
    why = next((words for sign, words in trouble.items() if sign in said), "nothing was saved; send the act again")
    return LogUnavailable(f"The record could not be used ({said}): {why}.")


def first_line(error: BaseException | None) -> str:
    """What a driver says first; PostgreSQL goes on with where in which function it was."""
    return (str(error).splitlines() or [""])[0].rstrip(".")
