"""Hand a log on: one file per format, a data dictionary beside it, a manifest over both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

from core.types import TillerError
from study.events import SCHEMA_VERSION
from study.exports.codes import CODEBOOK, CODES, write_codebook, write_codes
from study.exports.columns import write_dictionary
from study.exports.jsonl import HOW_TO_READ_JSONL, check_jsonl, write_jsonl
from study.exports.manifest import Batch, batch
from study.exports.refi_check import check_codebook, check_project
from study.exports.refi_qda import write_codebook as write_book
from study.exports.refi_qda import write_project
from study.exports.tidy import HOW_TO_READ_CSV, check_csv, write_csv
from study.log import EventLog
from study.queries import recorded
from study.records import Record, Stored

FORMATS = ("csv", "jsonl", "qdpx")
_TABLES = ("csv", "jsonl")
_HOW = {
    "csv": HOW_TO_READ_CSV,
    "jsonl": HOW_TO_READ_JSONL,
    "qdpx": "REFI-QDA 1.5: import project.qdpx, or codebook.qdc alone, into a tool for qualitative coding.",
}
NOT_DATA = ("preview", "bot")

Progress = Callable[[int, int], None]  # rows done, rows in all


def export_log(
    log: EventLog,
    out: Path,
    format: str,
    *,
    study: str | None = None,
    progress: Progress | None = None,
    without: tuple[str, ...] = NOT_DATA,
) -> list[Path]:
    """Write the log to the folder `out` and return the files written, the manifest last.

    Args:
        log: what to export, as it stands now; rows that come meanwhile are left for the next export.
        out: a folder, made if it is not there; files of an earlier export of this format are replaced.
        format: csv (with the strategy codes), jsonl, or qdpx (REFI-QDA, with the codebook).
        study: one study only.
        progress: called now and then with the rows done and the rows in all.
        without: modes to leave out; by default what nobody's session made.

    Raises:
        TillerError: there is no such format or study.
        ExportFailed: a file could not be written or did not read back; the folder is as it was.
    """
    if format not in FORMATS:
        raise TillerError(f"Format {format!r} was asked for; there are {', '.join(FORMATS)}: choose one.")
    studies = log.studies()
    if study is not None and study not in studies:
        known = ", ".join(studies) or "none"
        raise TillerError(f"Study {study!r} was asked for; the log has rows of {known}: name one that it has.")
    heads = _Heads(log.count(study=study, without=without), progress)

    with batch(out) as made:
        if format in _TABLES:
            _add_events(made, format, heads.watched(log.stored(study=study, without=without)))
        else:
            for _ in heads.watched(log.stored(study=study, without=without)):
                pass  # which fixes how far each session has come, before it is read in several passes
        if format == "csv":
            _add_codes(made, heads.sessions(log))
        if format == "qdpx":
            write = partial(write_project, partial(heads.sessions, log), name=study or "Tiller")
            made.add("project.qdpx", write, check_project, binary=True)
            made.add("codebook.qdc", write_book, check_codebook, binary=True)
        made.add_manifest(format, {"how_to_read": _HOW[format], **heads.about(log, study)})
    return [out / one.file for one in made.files]


def _add_events(made: Batch, format: str, stored: Iterator[Stored]) -> None:
    def write(file: TextIO) -> int:
        return write_jsonl(stored, file) if format == "jsonl" else write_csv(map(recorded, stored), file)

    made.add(f"events.{format}", write, check_jsonl if format == "jsonl" else check_csv)
    made.add("events_data_dictionary.csv", write_dictionary)


def _add_codes(made: Batch, sessions: Iterator[Sequence[Record]]) -> None:
    made.add("strategy_codes.csv", partial(write_codes, sessions), partial(check_csv, columns=CODES))
    made.add("strategy_codes_data_dictionary.csv", partial(write_dictionary, columns=CODES))
    made.add("strategy_codebook.csv", write_codebook, partial(check_csv, columns=CODEBOOK))


class _Heads:
    """What the manifest says of the rows that pass by: each session's last hash, each script."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0
        self._scripts: set[str] = set()
        self._streams: dict[str, tuple[int, str]] = {}

    def watched(self, stored: Iterator[Stored]) -> Iterator[Stored]:
        for one in stored:
            self._done += 1
            self._streams[str(one.row["session_id"])] = int(one.row["seq"] or 0), str(one.row["hash"])
            if one.row["script_sha256"] is not None:
                self._scripts.add(str(one.row["script_sha256"]))
            if self._progress and self._done % 500 == 0:
                self._progress(self._done, self._total)
            yield one
        if self._progress:
            self._progress(self._done, self._total)

    def sessions(self, log: EventLog) -> Iterator[Sequence[Record]]:
        """The sessions that have passed by, one at a time, as far as they have."""
        for session_id, (last, _) in self._streams.items():
            yield [recorded(one) for one in islice(log.stored(session_id), last)]

    def about(self, log: EventLog, study: str | None) -> dict[str, object]:
        return {
            "schema_version": SCHEMA_VERSION,
            "study": study,
            "exported_utc_ns": str(log.now().utc_ns),
            "scripts": sorted(self._scripts),
            "streams": {key: {"rows": rows, "head": head} for key, (rows, head) in self._streams.items()},
        }
