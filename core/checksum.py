"""A checksum says whether a file is the one that was meant, whatever it is called; of what it holds, nothing."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from core.types import MissingArtefact


def checksum_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_like(path: Path, stated: str) -> str:
    """The checksum as the hub states it: SHA-256 of a file of git LFS, git's own of any other."""
    return checksum_of(path) if len(stated) == 64 else _git_checksum(path)


def refuse_changed(path: Path) -> str:
    """The checksum of a file; refuses one in huggingface's cache whose bytes are no longer those that the hub stated.

    The cache calls each file by the checksum that the hub states.
    """
    stated, found = path.resolve().name, checksum_of(path)
    is_named = re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", stated)
    if is_named and stated != (found if len(stated) == 64 else _git_checksum(path)):
        raise MissingArtefact(
            f"{path} has changed since it was fetched: its checksum is {found[:12]}, and the hub stated {stated[:12]}; "
            f"delete {path.resolve()} and fetch it again."
        )
    return found


def _git_checksum(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
