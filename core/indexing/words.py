"""The words to name components with, as a person writes them down; no torch, so that a slip is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.types import TillerError


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """One word or phrase a line; empty lines and what follows a # are left out."""
    if not path.is_file():
        raise TillerError(f"The vocabulary {path} was asked for, but there is no such file; check the path.")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as wrong:
        raise TillerError(f"The vocabulary {path} is not UTF-8 text; save it as UTF-8, one phrase a line.") from wrong
    words = distinct(line.split("#", 1)[0] for line in lines)
    if not words:
        raise TillerError(f"The vocabulary {path} holds no word; write one phrase a line.")
    return words


def distinct(words: Iterable[str]) -> tuple[str, ...]:
    """The words without surrounding space, each once whatever its letter case, in the order given."""
    found: dict[str, str] = {}
    for word in words:
        if word.strip():
            found.setdefault(word.strip().casefold(), word.strip())
    return tuple(found.values())
