"""Files of recordings in a folder beside the record: under names made here, whole or not there, never outside of it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import URL

from core.types import TillerError

AT_ONCE = 1 << 20  # bytes of a file in memory at a time
_HOME = Path(__file__).resolve().parent.parent
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def folder_for(url: URL, files: Path | None) -> Path:
    """Where the recordings of a record lie: in `files`, else beside the record's file, or in `data` if it has none."""
    kept = Path(str(url.database))
    beside = kept.parent if url.drivername.startswith("sqlite") else _HOME / "data"
    return (files or beside) / f"{kept.stem}-media"


def place(folder: Path, *names: str) -> Path:
    """A path below `folder` by names that can lead nowhere else.

    Raises:
        TillerError: a name has other characters than letters, digits, - and _, or a link leads out of the folder.
    """
    for name in names:
        if not _SAFE.fullmatch(name):
            raise TillerError(f"{name!r} was given as an id; ids of sessions and recordings are letters and digits.")
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TillerError(f"{path} is a link that leads out of {folder}; take it away.")
    return path


@contextmanager
def written_aside(path: Path, write: Callable[[BinaryIO], object]) -> Generator[Callable[[], None]]:
    """Write a file beside `path`, flushed to the disk; what is yielded gives it its name, else it is taken away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")

    def keep() -> None:
        aside.replace(path)
        _flush_folder(path.parent)

    try:
        with aside.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        yield keep
    finally:
        aside.unlink(missing_ok=True)


def take_away(folder: Path) -> None:
    """Remove a folder with all that it holds; of links in it, not what they lead to."""
    if folder.exists():
        shutil.rmtree(folder)
        _flush_folder(folder.parent)


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copied_from(path: Path) -> Callable[[BinaryIO], None]:
    """A function that copies the file at `path` into an open one, a piece at a time."""

    def write(out: BinaryIO) -> None:
        with path.open("rb") as file:
            while held := file.read(AT_ONCE):
                out.write(held)

    return write


def _flush_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder, not only the files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
