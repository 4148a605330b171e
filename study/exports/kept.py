"""Finished exports on a server's disk: found by name alone, listed by their manifests, zipped on the way out."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from study.exports.manifest import MANIFEST
from study.log import EventLog
from study.system_events import ExportedFile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*-[0-9]{8}T[0-9]{6}Z")
_STAMP = "%Y%m%dT%H%M%SZ"
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One finished export: a folder with a folder for each format; files are named from the export's own folder on."""

    name: str
    study: str
    folder: Path
    formats: tuple[str, ...]
    sessions: frozenset[str]
    files: tuple[ExportedFile, ...]  # as the manifests list them
    manifests: tuple[ExportedFile, ...]

    @property
    def bytes(self) -> int:
        """The size of everything in it."""
        return sum(one.bytes for one in (*self.files, *self.manifests))

    @property
    def made(self) -> datetime:
        """When it was begun, by the server's wall clock."""
        return datetime.strptime(self.name.rpartition("-")[2], _STAMP).replace(tzinfo=UTC)


def folder_of(log: EventLog) -> Path:
    """Where the exports of a record lie: beside it, under its name."""
    return log.media.with_name(f"{log.media.name.removesuffix('-media')}-exports")


def name_of(study: str, utc_ns: int) -> str:
    """The name of an export of `study` that is begun now; letters that a path might misread are hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", study.lower()).strip("-") or "study"
    return f"{plain}-{datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC):{_STAMP}}"


def kept_in(folder: Path) -> tuple[Kept, ...]:
    """All finished exports, the last made first; whatever else lies in the folder is passed over."""
    found = (find_kept(folder, path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return tuple(sorted((one for one in found if one), key=lambda one: (one.made, one.name), reverse=True))


def find_kept(folder: Path, name: object) -> Kept | None:
    """The finished export of that name, or None; any junk may be given."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    there = folder / name
    return _read(there) if there.is_dir() and not there.is_symlink() else None


def delete_kept(folder: Path, name: str) -> None:
    """Take an export away; one that is not there is no error."""
    there = find_kept(folder, name)
    if there is not None:
        shutil.rmtree(there.folder)


def delete_those_with(folder: Path, session: str) -> int:
    """Take away every export that has rows of a session; how many there were."""
    found = [one for one in kept_in(folder) if session in one.sessions]
    for one in found:
        shutil.rmtree(one.folder)
    return len(found)


def zipped(export: Kept) -> Iterator[bytes]:
    """The export as one zip, piece by piece from the disk: memory does not grow with its size."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for one in (*export.files, *export.manifests):
            path = export.folder / one.file
            entry = ZipInfo.from_file(path, f"{export.name}/{one.file}")
            entry.compress_type = ZIP_DEFLATED
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while piece := source.read(_CHUNK):
                    target.write(piece)
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that is only written to, and hands over what it holds."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        """It is what it is for."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Hold a copy of `data`."""
        self._held.append(bytes(data))
        return len(self._held[-1])

    def taken(self) -> bytes:
        """What was written since this was last asked."""
        held, self._held = b"".join(self._held), []
        return held


def _read(folder: Path) -> Kept | None:
    """What the manifests of an export say; None where they are none of ours."""
    told: dict[str, Any] = {}
    manifests: list[ExportedFile] = []
    try:
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            data = path.read_bytes()
            form = path.parent.name
            told[form] = json.loads(data)["exports"][form]
            sha256 = hashlib.sha256(data).hexdigest()
            manifests.append(ExportedFile(file=f"{form}/{MANIFEST}", bytes=len(data), sha256=sha256, rows=1))
        files = [
            ExportedFile(file=f"{form}/{one['file']}", bytes=one["bytes"], sha256=one["sha256"], rows=one["rows"])
            for form, about in told.items()
            for one in about["files"]
        ]
        studies = {str(about["study"]) for about in told.values()}
        sessions = frozenset(session for about in told.values() for session in about["streams"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if len(studies) != 1:
        return None
    return Kept(
        name=folder.name,
        study=studies.pop(),
        folder=folder,
        formats=tuple(told),
        sessions=sessions,
        files=tuple(files),
        manifests=tuple(manifests),
    )
