"""Zip archives that may be damaged, locked or packed in a way of their own."""

from __future__ import annotations

import lzma
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

# What zipfile raises of an archive that it cannot read: RuntimeError for a password, and for a compression or a version
# that it has not got; the rest for bytes that are no archive or stop short.
UNREADABLE = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError)


def is_open_to_the_end(path: Path) -> bool:
    """Whether every file of a zip can be read whole and none of them is a zip itself."""
    try:
        with ZipFile(path) as archive:
            return archive.testzip() is None and not any(is_zipfile(archive.open(one)) for one in archive.infolist())
    except UNREADABLE:
        return False
