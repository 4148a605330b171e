"""An export appears whole or not at all: written aside, read back, renamed, and then listed with its digests."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from core.types import TillerError

MANIFEST = "manifest.json"


class ExportFailed(TillerError):
    """A file could not be written, or did not read back as it was written; nothing of it was left."""


@dataclass(frozen=True, slots=True)
class Written:
    """One finished file of an export."""

    file: str
    bytes: int
    sha256: str
    rows: int


def write_checked(path: Path, write: Callable[[TextIO], int], check: Callable[[Path], int] | None = None) -> Written:
    """Write `path` by way of a file beside it that is read back before it takes the name.

    Args:
        path: where the file is to be; a file that is there is replaced at once or not at all.
        write: writes to the open file and returns its rows.
        check: reads the file back and returns its rows, or raises ValueError.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            rows = write(file)
            file.flush()
            os.fsync(file.fileno())
        found = rows if check is None else check(aside)
        if found != rows:
            raise ValueError(f"{rows} rows were written and {found} read back.")
        with aside.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        aside.replace(path)
    except (OSError, ValueError) as error:
        raise ExportFailed(
            f"{path.name} was to be written to {path.parent}; {error}. "
            "Nothing of it was left there; free the folder or choose another, and export again."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    return Written(path.name, path.stat().st_size, sha256, rows)


def list_export(out: Path, form: str, about: dict[str, Any], files: list[Written]) -> Written:
    """Put one format's files into the folder's manifest, beside those of other formats."""
    path = out / MANIFEST
    listed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"exports": {}}
    listed["exports"][form] = {**about, "files": [asdict(one) for one in files]}

    def write(file: TextIO) -> int:
        json.dump(listed, file, ensure_ascii=False, indent=2)
        return len(listed["exports"])

    return write_checked(path, write, lambda aside: len(json.loads(aside.read_text(encoding="utf-8"))["exports"]))
