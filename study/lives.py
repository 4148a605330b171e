"""One life after another: each a process of its own that is killed at a new moment, until one comes to the end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core.types import TillerError
from study.events import Event
from study.log import EventLog
from study.records import Record

LIFE_S = 120  # seconds after which a life that has neither ended nor been killed hangs

Live = Callable[[Collection[str], int], object]  # the moments that are spent, and the number of this life


@dataclass(frozen=True, slots=True)
class Notes:
    """Lines in a file that outlive whoever writes them: what the log was asked, what it acknowledged, who died when."""

    path: Path

    def add(self, **line: object) -> None:
        """Write one line; once this returns, killing the process does not take it away."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)

    def lines(self, kind: str) -> Iterator[dict[str, Any]]:
        """All lines that have the word `kind`, in the order in which they were written."""
        if self.path.exists():
            for text in self.path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                if kind in line:
                    yield line


class MortalLog(EventLog):
    """A log that notes what it is asked and what it acknowledges, and whose process is killed at the next new moment.

    Each act has three: before it is written, within its transaction, and after it is on the disk but before anybody
    is told. Moments in `spent` are lived through; None for a life that nothing ends.
    """

    def __init__(self, inner: EventLog, files: Path, notes: Notes, spent: Collection[str] | None) -> None:
        super().__init__(inner.engine, now=inner.now, files=files)
        self.writer = inner.writer
        self._inner, self._notes, self._spent = inner, notes, spent

    def append(
        self,
        session_id: str,
        *happened: Event,
        key: str,
        beside: Callable[[Connection], object] | None = None,
        **more: Any,
    ) -> tuple[Record, ...]:
        """As `EventLog.append`, if the process lives that long."""

        def last(connection: Connection) -> None:
            if beside is not None:
                beside(connection)
            self._moment(session_id, key, "within")

        self._notes.add(asked=key, session=session_id)
        self._moment(session_id, key, "before")
        rows = self._inner.append(session_id, *happened, key=key, beside=last, **more)
        self._moment(session_id, key, "after")
        self._notes.add(given=key, session=session_id, rows=[row.event_id for row in rows])
        return rows

    def _moment(self, session_id: str, key: str, when: str) -> None:
        # every life but the first says that it has resumed, each under a key of its own: one death there is enough
        moment = f"{session_id} {'resumed' if key.startswith('resumed/') else key} {when}"
        if self._spent is not None and moment not in self._spent:
            self._notes.add(died=moment)
            os.kill(os.getpid(), signal.SIGKILL)


def live_through(live: Live, notes: Notes, died: Callable[[int], object]) -> str:
    """Have `live` done by one process after another until one is not killed; "" or why it did not come to its end.

    This process is to have one thread and no open connection. `died` is told how many deaths there were so far.
    """
    life, spent = 1, set[str]()
    while True:
        process = os.fork()
        if process == 0:
            _begin(live, notes, spent, life)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            failed = [line["failed"] for line in notes.lines("failed")]
            return "" if os.WEXITSTATUS(status) == 0 else str(failed[-1] if failed else "It ended without a word.")
        ended = os.WTERMSIG(status)
        before, spent = len(spent), {line["died"] for line in notes.lines("died")}
        if ended == signal.SIGALRM:
            return f"Nothing came of it for {LIFE_S} s."
        if ended != signal.SIGKILL or len(spent) == before:
            return f"Its process was ended by {signal.Signals(ended).name}, which the rehearsal did not send."
        died(life)
        life += 1


def _begin(live: Live, notes: Notes, spent: Collection[str], life: int) -> None:
    """Live one life; the process ends with it."""
    status = 1
    try:
        signal.alarm(LIFE_S)
        live(spent, life)
        status = 0
    except TillerError as error:
        notes.add(failed=str(error))
    except BaseException as error:
        notes.add(failed=f"{type(error).__name__}: {error}.")
    finally:
        os._exit(status)
