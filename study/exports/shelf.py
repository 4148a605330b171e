"""A record's exports on its own server: made one at a time in the background, each whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from core.types import TillerError
from study.errand import Errand, Runner
from study.exports import FORMATS, export_log
from study.exports.kept import folder_of, name_of
from study.log import EventLog
from study.schema import erasures

_UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]+)\.part")


@dataclass(slots=True)
class Run(Errand):
    """One export being made, or the last one that was."""

    name: str
    study: str
    formats: tuple[str, ...]
    without: tuple[str, ...]  # modes of sessions that are no data
    at: int = 0  # which of `formats` is being written
    rows: int = 0
    of: int = 0

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1: whole formats, and rows of the one being written."""
        within = min(1.0, self.rows / self.of) if self.of else 0.0
        return 1.0 if self.state == "finished" else min(1.0, (self.at + within) / len(self.formats))


class Shelf(Runner[Run]):
    """Where the exports of a record lie, and the one run that may be under way in this process.

    The server chooses every path: a caller names a study and formats. Memory does not grow with the log. A run that is
    stopped leaves nothing behind.
    """

    def __init__(self, log: EventLog) -> None:
        super().__init__("The export")
        self.folder = folder_of(log)
        self._record = log

    def start(self, study: str, formats: Sequence[str], *, without: tuple[str, ...]) -> Run:
        """Begin an export in the background and return its run; where one is under way, that one.

        Raises:
            TillerError: no format is named, or one that there is not.
        """
        strange = [one for one in formats if one not in FORMATS]
        if strange or not formats:
            raise TillerError(
                f"Formats {', '.join(strange) or 'none'} were asked for; there are {', '.join(FORMATS)}: name some."
            )
        kept = tuple(dict.fromkeys(formats))
        return self._begin(lambda: Run(name_of(study, self._record.now().utc_ns), study, kept, without))

    def _work(self, run: Run) -> None:
        aside = self.folder / f".{run.name}.{os.getpid()}.part"
        try:
            self._sweep()
            aside.mkdir(parents=True)
            erased = self._erased()
            # before the folder has its name: words that were handed on without a row could not be traced
            for write_down in self._write(run, aside):
                write_down()
            place = self._free(run.name)
            aside.replace(place)
            run.name = place.name
            # an erasure looks for finished exports: either it has found this one, or it is seen here
            if self._erased() != erased:
                shutil.rmtree(place, ignore_errors=True)
                raise TillerError("A session was erased while its rows were being exported; export again.")
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _write(self, run: Run, aside: Path) -> list[Callable[[], None]]:
        """Write every format; what is left to do is to write down in the log that they were made."""
        later: list[Callable[[], None]] = []

        def progress(done: int, of: int) -> None:
            run.rows, run.of = done, of
            run.refuse_stopped()

        for at, form in enumerate(run.formats):
            run.at, run.rows = at, 0
            progress(0, run.of)
            place = aside / form
            export_log(self._record, place, form, study=run.study, without=run.without, progress=progress, later=later)
        progress(run.of, run.of)
        return later

    def _free(self, name: str) -> Path:
        """The export's own place; another process may have begun one in the same second."""
        study, _, stamp = name.rpartition("-")
        names = (name, *(f"{study}-{turn}-{stamp}" for turn in range(2, 1000)))
        return next(self.folder / one for one in names if not (self.folder / one).exists())

    def _sweep(self) -> None:
        """Take away what runs have left whose process is gone."""
        for path in self.folder.glob(".*.part"):
            found = _UNFINISHED.fullmatch(path.name)
            if found and (int(found["pid"]) == os.getpid() or not _alive(int(found["pid"]))):
                shutil.rmtree(path, ignore_errors=True)

    def _erased(self) -> int:
        with self._record.connected() as connection:
            return connection.execute(select(func.count()).select_from(erasures)).scalar_one()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and somebody else's
        return True
    return True
