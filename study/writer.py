"""One writer per process: on a file, acts that wait for the lock together are committed together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from study.database import LogUnavailable, unavailable, writing

T = TypeVar("T")


class Writer:
    """Runs pieces of work in write transactions, one transaction at a time.

    A caller that finds another at work leaves its piece in line; whoever is next commits all that wait, with one flush
    to the disk, each piece in a savepoint of its own. SQLite before 3.51.3 can damage a file when two connections
    write at once, so a process must have one Writer per database and write through nothing else.

    On PostgreSQL each piece has a transaction of its own, beside those of others: it is the server that flushes
    commits together, and two groups that held each other's sessions would wait for ever.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = writing(engine)
        self._line = threading.Condition()
        self._waiting: list[_Piece] = []
        self._at_work = False
        self._beside_others = engine.dialect.name == "postgresql"

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` and return its result once it is on the disk; an error it raises leaves nothing written."""
        piece = _Piece(work)
        if self._beside_others:
            self._commit([piece])
            return cast("T", piece.outcome())
        with self._line:
            self._waiting.append(piece)
            self._line.wait_for(lambda: piece.done or not self._at_work)
            if piece.done:
                return cast("T", piece.outcome())
            self._at_work, together, self._waiting = True, self._waiting, []
        try:
            self._commit(together)
        finally:
            with self._line:
                self._at_work = False
                self._line.notify_all()
        return cast("T", piece.outcome())

    def _commit(self, together: list[_Piece]) -> None:
        try:
            with self._engine.begin() as connection:
                for piece in together:
                    piece.run(connection)
        except BaseException as error:
            for piece in together:
                piece.fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            for piece in together:
                piece.done = True


class _Piece:
    """One caller's work and what became of it."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.done = False
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        try:
            with connection.begin_nested():
                self._result = self._work(connection)
        except (OperationalError, InterfaceError):
            raise  # the disk, the lock or the line, not this piece: the whole transaction may be gone
        except Exception as error:
            self._error = error

    def fail(self, error: BaseException) -> None:
        if not isinstance(error, Exception):  # the interrupted thread raises it itself; those who waited must not
            error = LogUnavailable("The record was interrupted while it wrote; send the act again.")
        self._error = self._error or error

    def outcome(self) -> Any:
        match self._error:
            case None:
                return self._result
            case DBAPIError() as error:
                raise unavailable(error) from error
            case error:
                raise error
