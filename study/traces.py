"""The search for words in bytes, wherever these lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from study.archives import is_open_to_the_end

PIECE = 48  # bytes of a text looked for at a time: long texts are spread over pages
_START = 8  # bytes by which all words are looked for at once: one machine word
_PAIRS = 1 << 16  # what the first two of them can be
_CHUNK = 1 << 20
# How files begin whose bytes are packed, but for a zip, which is unpacked: Parquet, gzip, zstd, xz, bzip2, 7z.
_PACKED = (b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"BZh", b"7z\xbc\xaf")


def found_in_file(words: Iterable[bytes], path: Path) -> set[bytes]:
    """Those of `words` that a file holds, or a file in it if it is a zip; none of a file that is not there."""
    return found_in(words, _bytes_of(path)) if path.is_file() else set()


def sealed(path: Path) -> bool:
    """Whether a file's bytes are packed, damaged or locked in a way that the search does not see through."""
    with path.open("rb") as file:
        if file.read(8).startswith(_PACKED):
            return True
    return is_zipfile(path) and not is_open_to_the_end(path)


def _bytes_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_CHUNK), b"")
    if is_zipfile(path):
        with ZipFile(path) as archive:
            for one in archive.infolist():
                with archive.open(one) as member:
                    yield from iter(lambda member=member: member.read(_CHUNK), b"")


def found_in(words: Iterable[bytes], chunks: Iterable[bytes]) -> set[bytes]:
    """Those of `words` that the chunks hold, laid end to end; the time hangs on their size, hardly on the words."""
    by_start: dict[bytes, list[bytes]] = {}
    for word in words:
        by_start.setdefault(word[:_START], []).append(word)
    starts = np.frombuffer(b"".join(by_start), np.uint64)
    begins = np.zeros(_PAIRS, np.bool_)  # few bytes are followed on: most of a log that is written ahead is zeros
    begins[np.frombuffer(b"".join(start[:2] for start in by_start), np.uint16)] = True
    met: set[bytes] = set()
    held = b""
    for chunk in chunks:
        held = held[-PIECE:] + chunk
        if len(held) < _START:
            continue
        likely = np.zeros(len(held), np.bool_)
        for first in (0, 1):
            pairs = np.frombuffer(held, np.uint16, (len(held) - first) // 2, first)
            likely[first : first + 2 * len(pairs) : 2] = begins[pairs]
        places = np.flatnonzero(likely[: len(held) - _START + 1])
        windows = sliding_window_view(np.frombuffer(held, np.uint8), _START)[places]
        there = np.isin(np.ascontiguousarray(windows).view(np.uint64)[:, 0], starts)
        for at in places[there].tolist():
            met.update(word for word in by_start[held[at : at + _START]] if held.startswith(word, at))
    return met
