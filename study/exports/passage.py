"""The rows of one export, read as they stood at one moment, once as a stream and then session by session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from study.log import EventLog
from study.queries import recorded
from study.records import Record, Stored

NOT_DATA = ("preview", "bot")

Progress = Callable[[int, int], None]  # rows done, rows in all


class Passage:
    """What passes by in one export: its rows, and what the manifest says of them."""

    def __init__(
        self, log: EventLog, study: str | None, without: tuple[str, ...] = NOT_DATA, progress: Progress | None = None
    ) -> None:
        self.study = study
        self.log, self._without, self._progress = log, without, progress
        self._scripts: set[str] = set()
        self._streams: dict[str, tuple[int, str]] = {}

    def rows(self) -> Iterator[Stored]:
        """Every row, session by session; memory does not grow with the log."""
        done, of = 0, self.log.count(study=self.study, without=self._without)
        for one in self.log.stored(study=self.study, without=self._without):
            done += 1
            self._streams[str(one.row["session_id"])] = int(one.row["seq"] or 0), str(one.row["hash"])
            if one.row["script_sha256"] is not None:
                self._scripts.add(str(one.row["script_sha256"]))
            if self._progress and done % 500 == 0:
                self._progress(done, of)
            yield one
        if self._progress:
            self._progress(done, of)

    def pass_by(self) -> None:
        """Read every row once, which fixes how far each session has come, before it is read in several passes."""
        for _ in self.rows():
            pass

    def sessions(self) -> Iterator[Sequence[Record]]:
        """The sessions that have passed by, one at a time, as far as they had come then."""
        for session_id, (last, _) in self._streams.items():
            yield [recorded(one) for one in islice(self.log.stored(session_id), last)]

    @property
    def lengths(self) -> dict[str, int]:
        """How many rows of each session have passed by."""
        return {key: rows for key, (rows, _) in self._streams.items()}

    def about(self) -> dict[str, object]:
        """Scripts and heads of what has passed by, for the manifest."""
        streams = {key: {"rows": rows, "head": head} for key, (rows, head) in self._streams.items()}
        return {"scripts": sorted(self._scripts), "streams": streams}
