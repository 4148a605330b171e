"""Where the pictures of a claim lie: they are known by their checksums, and may have any name in any folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.checksum import checksum_of
from core.types import TillerError


class PictureFiles:
    """Pictures by the checksum of their files, folder after folder; each is read once, as needed."""

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise TillerError(f"Pictures in '{folder}' were asked for, and there is no such folder.")
        self._folders = folders
        self._unread = (path for folder in self._folders for path in folder.rglob("*") if path.is_file())
        self._known: dict[str, Path] = {}

    def find(self, sha256: str) -> Path | None:
        """Where the picture of that checksum lies, if it is there."""
        while sha256 not in self._known and (path := next(self._unread, None)) is not None:
            self._known[checksum_of(path)] = path
        return self._known.get(sha256)

    def missing(self, checksums: Sequence[str]) -> str:
        """That these are not there, in words."""
        some = ", ".join(each[:12] for each in checksums[:3])
        more = f" and {len(checksums) - 3} more" if len(checksums) > 3 else ""
        return f"no file in {', '.join(map(str, self._folders))} has the checksum {some}{more}"
