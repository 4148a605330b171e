"""The rows of one export, read as they stood at one moment, once as a stream and then session by session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import groupby, islice
from typing import IO

from study.exports.people import People
from study.exports.refi_speech import SpeechInProject
from study.exports.speech import Speech, Talk
from study.log import EventLog
from study.queries import recorded
from study.records import Record, Stored
from study.strategies import VERSION
from study.streams import session_in, stream_of
from study.verdicts import verdicts_of

NOT_DATA = ("preview", "bot")

Progress = Callable[[int, int], None]  # rows done, rows in all


class Passage:
    """What passes by in one export: its rows, and what the manifest says of them."""

    def __init__(
        self,
        log: EventLog,
        study: str | None,
        without: tuple[str, ...] = NOT_DATA,
        progress: Progress | None = None,
        media: str = "reference",
    ) -> None:
        self.study = study
        self._media = media
        self.log, self.without, self._progress = log, without, progress
        self._scripts: set[str] = set()
        self.studies: dict[str, list[str]] = {}  # sessions that have passed by, of each study
        self._streams: dict[str, tuple[int, str]] = {}
        self.speech = Speech(log)

    def rows(self) -> Iterator[Stored]:
        """Every row, session by session; memory does not grow with the log."""
        done, of = 0, self.log.count(study=self.study, without=self.without)
        for session_id, session in groupby(
            self.log.stored(study=self.study, without=self.without), key=lambda one: str(one.row["session_id"])
        ):
            last: Stored | None = None
            for last in session:
                done += 1
                if self._progress and done % 500 == 0:
                    self._progress(done, of)
                yield last
            if last is not None:
                self._passed(session_id, last)
        if self._progress:
            self._progress(done, of)

    def _passed(self, session_id: str, last: Stored) -> None:
        # a session's place columns are copied from row to row, so that the last row has them if any has
        row = last.row
        self._streams[session_id] = int(row["seq"] or 0), str(row["hash"])
        if row["script_sha256"] is not None:
            self._scripts.add(str(row["script_sha256"]))
        if row["study_id"] is not None:
            self.studies.setdefault(str(row["study_id"]), []).append(session_id)

    def pass_by(self) -> None:
        """Read every row once, which fixes how far each session has come, before it is read in several passes."""
        for _ in self.rows():
            pass

    def stored(self, *, only: Callable[[str], bool] | None = None) -> Iterator[tuple[str, Iterator[Stored]]]:
        """The sessions that have passed by, or only some, one at a time, as far as they had come then, by their ids."""
        for session_id, (last, _) in self._streams.items():
            if only is None or only(session_id):
                yield session_id, islice(self.log.stored(session_id), last)

    def sessions(self, *, only: Callable[[str], bool] | None = None) -> Iterator[Sequence[Record]]:
        """The same with their events read."""
        for _, stored in self.stored(only=only):
            yield list(map(recorded, stored))

    def talks(self) -> Iterator[tuple[Sequence[Record], Talk]]:
        """Those of them in which anything was said or recorded, each with its talk."""
        return ((records, self.speech.of(records)) for records in self.sessions(only=self.speech.spoken_in))

    @cached_property
    def beside(self) -> dict[str, tuple[int, str]]:
        """The streams about the sessions that have passed by, and their studies' codebooks: rows and head of each."""
        codebooks = {stream_of("codebook", study) for study in self.studies}
        found: dict[str, tuple[int, str]] = {}
        for stream in sorted(self.log.streams()):
            if stream in codebooks or (":" in stream and session_in(stream) in self._streams):
                head = self.log.read(stream)[-1]
                found[stream] = head.seq, str(head.row["hash"])
        return found

    def people(self) -> People:
        """What people have coded in the sessions that have passed by."""
        wanted = [self.study] if self.study is not None else []
        return People(
            self.log, {study: self.studies.get(study, ()) for study in dict.fromkeys([*wanted, *self.studies])}
        )

    def spoken(self, links: IO[str]) -> SpeechInProject:
        """What was said in them, for a project; `links` is a file for links on their way."""
        return SpeechInProject(self.log, self.speech, links, inside=self._media == "inside")

    @property
    def lengths(self) -> dict[str, int]:
        """How many rows of each session have passed by."""
        return {key: rows for key, (rows, _) in self._streams.items()}

    def about(self) -> dict[str, object]:
        """Scripts, heads, recorded verdicts and codebooks of what has passed by, for the manifest."""
        streams: dict[str, dict[str, object]] = {
            key: {"rows": rows, "head": head} for key, (rows, head) in self._streams.items()
        }
        for key, found in verdicts_of(self.log, streams).items():
            said = {"verdict": found.verdict, "counts": found.counts, "rows": found.rows, "head": found.head}
            streams[key]["replay"] = said
        # only formats that hold these rows have asked for them
        beside = self.beside if "beside" in self.__dict__ else {}
        about = {"streams_about": {key: {"rows": rows, "head": head} for key, (rows, head) in beside.items()}}
        coding = {"rules": VERSION, "codebooks": self.people().versions}
        return {
            "scripts": sorted(self._scripts),
            "streams": streams,
            **(about if beside else {}),
            **coding,
            **self.speech.about(),
        }
