"""Copies of a session's rows that were handed on: the record knows of them, and no erasure reaches them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study.log import EventLog
from study.records import Record
from study.streams import stream_of
from study.system_events import SystemExportMade


@dataclass(frozen=True, slots=True)
class Copy:
    """One export that holds rows of a session, or may: earlier versions did not write down of which sessions."""

    record: Record
    export: SystemExportMade

    @property
    def words(self) -> str:
        """What it is, when it was made and where it may lie, for whoever has to take it away."""
        return f"{self.export.format} of {self.record.at:%Y-%m-%d %H:%M} UTC, {self._where}"

    @property
    def _where(self) -> str:
        folder = self.export.folder
        if not self.export.held:
            return "the record does not say where"
        if not folder:
            return "made in the app: whoever fetched it has it"
        there = any((Path(folder) / one.file).is_file() for one in self.export.files)
        return f"in {folder}" if there else f"in {folder} then, not there now"


def copies_of(log: EventLog, session_id: str) -> tuple[Copy, ...]:
    """Every export that the record knows to hold rows of a session, or may hold them, in the order of their making."""
    return tuple(_copies(log, session_id))


def _copies(log: EventLog, session_id: str) -> Iterator[Copy]:
    begun = next(iter(log.read(session_id)), None)
    study = None if begun is None else begun.row["study_id"]
    if begun is None or study is None:
        return
    for record in log.read(stream_of("exports", str(study))):
        export = record.event
        if not isinstance(export, SystemExportMade):
            continue
        if session_id in export.held or (not export.held and record.utc_ns >= begun.utc_ns):
            yield Copy(record, export)
