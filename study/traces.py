"""The search for words in bytes, wherever these lie."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

PIECE = 48  # bytes of a text looked for at a time: long texts are spread over pages
_START = 8  # bytes by which all words are looked for at once: one machine word
_CHUNK = 1 << 20


def found_in_file(words: Iterable[bytes], path: Path) -> set[bytes]:
    """Those of `words` that a file holds; none of a file that is not there."""
    if not path.is_file():
        return set()
    with path.open("rb") as file:
        return found_in(words, iter(lambda: file.read(_CHUNK), b""))


def found_in(words: Iterable[bytes], chunks: Iterable[bytes]) -> set[bytes]:
    """Those of `words` that the chunks hold, laid end to end; the time hangs on their size, hardly on the words."""
    by_start: dict[bytes, list[bytes]] = {}
    for word in words:
        by_start.setdefault(word[:_START], []).append(word)
    starts = np.frombuffer(b"".join(by_start), np.uint64)
    met: set[bytes] = set()
    held = b""
    for chunk in chunks:
        held = held[-PIECE:] + chunk
        if len(held) < _START:
            continue
        windows = sliding_window_view(np.frombuffer(held, np.uint8), _START)
        there = np.isin(np.ascontiguousarray(windows).view(np.uint64)[:, 0], starts)
        for at in np.flatnonzero(there).tolist():
            met.update(word for word in by_start[held[at : at + _START]] if held.startswith(word, at))
    return met
