"""The plan of an unfinished index, as far as a command says it before torch is there to wait for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.digest import native_digest, native_header

NAMED = {  # entries of the plan, as a person gives them
    "batch": "--batch",
    "threads": "--threads",
    "device": "--device",
    "codes": "a processor that multiplies",
    "images": "--images",
    "from_folders": "--labels-from-folders",
    "processes": "a number of processes of",
    "version": "a work folder of version",
}
VERSION = 2


def work_of(out: Path) -> Path:
    """The folder in which an index waits until it is finished; its plan is `plan.json` there."""
    return out.with_name(out.name + ".work")


def processes() -> int:
    """How many processes share the pictures, as `torchrun` says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def said_of_pictures(images: Path, truths: Mapping[str, str] | None, *, from_folders: bool) -> dict[str, Any]:
    """The entries of the plan that say which pictures are read, and as what; truths as a digest."""
    return {
        "images": str(images.resolve()),
        "from_folders": from_folders,
        "classes": None if truths is None else _digest(json.dumps(truths, sort_keys=True)),
    }


def said_of_words(words: Sequence[str]) -> dict[str, Any]:
    """The entry of the plan for the vocabulary, as a digest."""
    return {"vocabulary": _digest("\n".join(words))}


def said_by_dictionary(path: Path, *, whole: bool = False) -> dict[str, Any]:
    """The digest of the model and the block that a native file's header names; nothing where it cannot be read.

    Args:
        whole: its own digest too, for which every byte is read.
    """
    header = native_header(path)
    if not {"weights", "block"} <= set(header):
        return {}
    digest = native_digest(path) if whole else None
    return {"model": header["weights"], "block": header["block"], **({} if digest is None else {"dictionary": digest})}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
