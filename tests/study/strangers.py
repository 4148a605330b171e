"""Whoever comes to the record's database without the record's code."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import make_url


class Stranger:
    """The database as a stranger opens it: no setting of ours is on, every statement is committed."""

    Refused = (sqlite3.IntegrityError, psycopg.errors.IntegrityError)

    def __init__(self, url: str) -> None:
        self._file = url.startswith("sqlite")
        self._connection: Any = (
            sqlite3.connect(str(make_url(url).database), isolation_level=None)
            if self._file
            else psycopg.connect(url, autocommit=True)
        )

    def execute(self, statement: str, values: Sequence[object] = ()) -> Any:
        return self._connection.execute(statement if self._file else statement.replace("?", "%s"), values)

    def drop_guards(self) -> None:
        """As whoever owns a database can."""
        if self._file:
            names = self.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in names:
                self.execute(f"DROP TRIGGER {name}")
        else:
            tables = self.execute("SELECT DISTINCT event_object_table FROM information_schema.triggers").fetchall()
            for (table,) in tables:
                self.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            self.execute("ALTER TABLE payloads DROP CONSTRAINT payloads_event_id_fkey")

    def hold(self, session_id: str) -> None:
        """Begin to write to a session, and go no further."""
        self.execute("BEGIN IMMEDIATE" if self._file else "BEGIN")
        if not self._file:
            self.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", [session_id])

    def close(self) -> None:
        self._connection.close()
