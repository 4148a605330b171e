"""An export appears whole or not at all: written aside, read back, and given its names once every file is right."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from core.types import TillerError
from study.system_events import ExportedFile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MANIFEST = "manifest.json"


class ExportFailed(TillerError):
    """A file could not be written, or did not read back as it was written; the folder is as it was."""


class Batch:
    """The files of one export, which lie beside their names until all of them are whole."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._listed = _listed(out)
        self.files: list[ExportedFile] = []

    def add(
        self,
        name: str,
        write: Callable[[TextIO], int] | Callable[[BinaryIO], int],
        check: Callable[[Path], int] | None = None,
        *,
        binary: bool = False,
    ) -> None:
        """Write one file aside and read it back.

        Args:
            name: what it is to be called, perhaps in a folder of its own; a file of that name is replaced once the
                whole export is right.
            write: writes to the open file and returns its rows.
            check: reads the file back and returns its rows, or raises ValueError.
            binary: whether `write` writes bytes.
        """
        aside = self._aside(name)
        with _told(name, self._out):
            if (self._out / name).is_dir():
                raise ValueError("a folder of that name is there")
            with _Heard(FileIO(aside, "w")) as heard, heard if binary else _text_on(heard) as file:
                rows = write(cast("Any", file))
                file.flush()
                os.fsync(heard.fileno())
            found = rows if check is None else check(aside)
            if found != rows:
                raise ValueError(f"{rows} rows were written and {found} read back")
            with aside.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if not binary and sha256 != heard.sha256.hexdigest():
                raise ValueError("what lies on the disk is not what was written")
            made = ExportedFile(file=name, bytes=aside.stat().st_size, sha256=sha256, rows=rows)
            self.files.append(made)

    def add_manifest(self, form: str, about: dict[str, object]) -> None:
        """List this format's files with their digests, beside what the folder holds of other formats."""
        files = [asdict(one) for one in self.files]
        listed = {"exports": {**self._listed, form: {**about, "files": files}}}

        def write(file: TextIO) -> int:
            json.dump(listed, file, ensure_ascii=False, indent=2)
            return len(listed["exports"])

        self.add(MANIFEST, write, lambda aside: len(json.loads(aside.read_text(encoding="utf-8"))["exports"]))

    def publish(self) -> None:
        """Give every file its name."""
        for one in self.files:
            with _told(one.file, self._out):
                (self._out / one.file).parent.mkdir(exist_ok=True)
                self._aside(one.file).replace(self._out / one.file)

    def clear(self) -> None:
        """Take away what still lies aside."""
        for name in self._out.glob(f".*.{os.getpid()}.part"):
            name.unlink(missing_ok=True)

    def _aside(self, name: str) -> Path:
        return self._out / f".{name.replace('/', '~')}.{os.getpid()}.part"


class _Heard(BufferedWriter):
    """A file that keeps the digest of what is written to it, good for as long as that is written in order."""

    def __init__(self, file: FileIO) -> None:
        super().__init__(file)
        self.sha256 = hashlib.sha256()

    def write(self, buffer: ReadableBuffer, /) -> int:
        self.sha256.update(buffer)
        return super().write(buffer)


def _text_on(file: BufferedWriter) -> TextIOWrapper:
    return TextIOWrapper(file, encoding="utf-8", newline="")


@contextmanager
def batch(out: Path) -> Generator[Batch]:
    """Files for the folder `out`, made if it is not there; they appear at the end, or none does.

    Raises:
        ExportFailed: the folder cannot be made, or a manifest that is not ours lies in it.
    """
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "there is a file of that name" if out.is_file() else error.strerror
        raise ExportFailed(f"The folder {out} was asked for, and it cannot be made ({why}); name another.") from error
    made = Batch(out)
    try:
        yield made
        made.publish()
    finally:
        made.clear()
        if new:
            with suppress(OSError):  # it holds the export
                out.rmdir()


@contextmanager
def _told(name: str, out: Path) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise ExportFailed(
            f"{name} was to be written to {out}, and that failed: {why}. "
            "The folder is as it was; mend that or name another, and export again."
        ) from error


def _listed(out: Path) -> dict[str, Any]:
    """What a manifest in `out` lists of earlier exports, by format."""
    path = out / MANIFEST
    try:
        found: object = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"exports": {}}
        exports: object = cast("dict[str, object]", found)["exports"]
        if isinstance(exports, dict):
            return cast("dict[str, Any]", exports)
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise ExportFailed(
        f"The folder {out} was asked for, and its {MANIFEST} is not one of Tiller's; name another folder."
    )
