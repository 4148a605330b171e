"""Writers in processes of their own, to be killed or many at once: forks of one that has imported the log, no more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from typing import Any

import pytest

from study.database import connect
from study.log import EventLog
from study.task_events import ConceptInspected

# Each start of a new interpreter imports for a second what the fork finds done; a database it opens itself.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def be_ready() -> None:
    """Have the server of forks run; it is told of no path before Python 3.13."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


def run_together(work: Callable[..., None], given: Sequence[tuple[Any, ...]]) -> list[int | None]:
    """How processes ended that each ran `work` on what it was given and a barrier, at which all wait to be ready."""
    be_ready()
    barrier = PROCESSES.Barrier(len(given), timeout=120)
    members = [PROCESSES.Process(target=work, args=(*words, barrier)) for words in given]
    for member in members:
        member.start()
    for member in members:
        member.join(180)
    ended = [member.exitcode for member in members]
    for member in members:
        member.kill()
        member.join()
        member.close()
    return ended


class Writer:
    """A process that says the key of each act once `append` has returned, until it is killed or done."""

    def __init__(self, url: str, session: str, name: str, acts: int) -> None:
        be_ready()
        self._told, telling = PROCESSES.Pipe(duplex=False)
        self.process: Any = PROCESSES.Process(target=_write, args=(telling, url, session, name, acts))
        self.process.start()
        telling.close()

    def says(self) -> str:
        """The next line; EOFError where there is no whole one any more."""
        return self._told.recv()

    def rest(self) -> Iterator[str]:
        """What it had said whole when it ended."""
        while True:
            try:
                yield self.says()
            except EOFError:
                return

    @property
    def exitcode(self) -> int:
        """How it ended, once it has."""
        self.process.join(120)
        return self.process.exitcode

    def close(self) -> None:
        self.process.join(120)
        self.process.close()
        self._told.close()


@contextmanager
def writing(url: str, session: str, name: str, acts: int) -> Iterator[Writer]:
    """A writer that has been started, and is gone at the end; "ready" is the first that it says."""
    writer = Writer(url, session, name, acts)
    try:
        yield writer
    finally:
        writer.process.kill()
        writer.close()


def _write(telling: Connection, url: str, session: str, name: str, acts: int) -> None:
    log = EventLog(connect(url))
    telling.send("ready")
    for turn in range(acts):
        key = f"{name} {turn}"
        log.append(
            session, ConceptInspected(task="t", component=turn), ConceptInspected(task="t", component=0), key=key
        )
        telling.send(key)
