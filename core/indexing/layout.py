"""The index file: safetensors with a JSON heading, written in one move and read through the page cache.

`data/docs/index.md` has it field by field.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from safetensors.numpy import save_file

from core.types import MissingArtefact, TillerError

FORMAT, VERSION = "tiller-index", 1
HEADINGS = ("model", "dictionary", "settings", "images", "labels", "reference")
PER_COMPONENT = ("density", "density_tokens", "maximum", "p99", "clarity", "monosemanticity")
WIDE = ("top_images", "middle_images", "low_images", "name_words", "name_scores", "neighbours", "partners")
TEXTS = ("files", "words", "broken")
_KINDS = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U32": "<u4", "U8": "|u1"}
_LONGEST_HEADING = 1 << 24


class Texts(Sequence[str]):
    """Strings that stay in the file until one is asked for."""

    def __init__(self, data: np.ndarray, ends: np.ndarray) -> None:
        self._data, self._ends = data, ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        begin = int(self._ends[place - 1]) if place else 0
        return self._data[begin : int(self._ends[place])].tobytes().decode("utf-8", "surrogateescape")


class IndexFile:
    """An index file opened for reading: its heading, its arrays by name, its texts by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heading, spans = _heading(path)
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._arrays = {name: self._array(name, *span) for name, span in spans.items()}
        self._check()

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def get(self, name: str, otherwise: np.ndarray) -> np.ndarray:
        """An array, or another where the file has none of that name."""
        return self._arrays.get(name, otherwise)

    def texts(self, name: str) -> Texts:
        """The strings of one of `TEXTS`."""
        return Texts(self[f"{name}_utf8"], self[f"{name}_ends"])

    def whole(self) -> bool:
        """Whether every byte is as it was written; reads the whole file."""
        return _digest(self._arrays) == self.heading["sha256"]

    def _array(self, name: str, kind: str, shape: list[int], begin: int, end: int) -> np.ndarray:
        array = np.frombuffer(self._bytes, _KINDS[kind], count=int(np.prod(shape)), offset=begin)
        if array.nbytes != end - begin:
            raise _damaged(self.path, f"{name} is not as long as it says")
        return array.reshape(shape)

    def _check(self) -> None:
        lost = [name for name in HEADINGS if not isinstance(self.heading.get(name), dict | list)]
        if lost:
            raise _damaged(self.path, f"its heading lacks {', '.join(lost)}")
        components = self.heading["dictionary"].get("components")
        due = (*PER_COMPONENT, *WIDE, *(f"{text}_{part}" for text in TEXTS for part in ("utf8", "ends")))
        missing = [name for name in due if name not in self]
        if missing:
            raise _damaged(self.path, f"it lacks {', '.join(missing)}")
        short = [name for name in (*PER_COMPONENT, *WIDE) if len(self[name]) != components]
        if short:
            raise _damaged(self.path, f"{', '.join(short)} do not have one row for each of {components} components")
        for text in TEXTS:
            ends = self[f"{text}_ends"]
            if (np.diff(ends, prepend=0) < 0).any() or (len(ends) and ends[-1] != len(self[f"{text}_utf8"])):
                raise _damaged(self.path, f"the ends of its {text} are out of order")
        for name, limit in (("images", len(self["files_ends"])), ("words", len(self["words_ends"]))):
            for each in (one for one in WIDE if one.endswith(name)):
                if self[each].size and not -1 <= self[each].min() <= self[each].max() < limit:
                    raise _damaged(self.path, f"{each} names what is not there")


def is_index_file(path: Path) -> bool:
    """Whether a file begins as safetensors do: with the heading's length, whose upper bytes are 0 as no text's are."""
    with path.open("rb") as file:
        head = file.read(9)
    return head[4:8] == bytes(4) and head[8:] in (b"{", b"")


def write_file(path: Path, heading: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write an index; the file is there whole or not at all."""
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    said = {"format": FORMAT, "version": VERSION, **heading, "sha256": _digest(kept)}
    new = path.with_name(path.name + ".new")
    save_file(kept, new, metadata={"tiller": json.dumps(said, ensure_ascii=False, sort_keys=True)})
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)


def packed(name: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Strings as two arrays: their UTF-8 one after the other, and where each ends."""
    raw = [text.encode("utf-8", "surrogateescape") for text in texts]
    return {
        f"{name}_utf8": np.frombuffer(b"".join(raw), np.uint8),
        f"{name}_ends": np.cumsum([len(each) for each in raw], dtype=np.int64),
    }


def _heading(path: Path) -> tuple[dict[str, Any], dict[str, tuple[str, list[int], int, int]]]:
    if not path.is_file():
        raise MissingArtefact(f"No index at {path}; make one with `tiller index build`.")
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _LONGEST_HEADING):
            raise TillerError(f"{path} is not an index, or is cut short; give a file that `tiller index build` wrote.")
        raw = file.read(length)
    try:
        listed = json.loads(raw)
        said = json.loads(listed.pop("__metadata__", {}).get("tiller", "{}"))
        spans = {name: (one["dtype"], one["shape"], *one["data_offsets"]) for name, one in listed.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise _damaged(path, f"its heading cannot be read: {wrong}") from wrong
    if said.get("format") != FORMAT or said.get("version") != VERSION:
        raise TillerError(
            f"{path} says format {said.get('format')!r}, version {said.get('version')!r}; this reads {FORMAT!r}, "
            f"version {VERSION}: build the index again."
        )
    begin, found = 8 + length, {}
    for name, (kind, shape, first, last) in spans.items():
        if kind not in _KINDS or not 0 <= first <= last <= size - begin:
            raise _damaged(path, f"{name} reaches beyond its end")
        found[name] = (kind, shape, begin + first, begin + last)
    return said, found


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _damaged(path: Path, fault: str) -> TillerError:
    return TillerError(f"{path} is a damaged index ({fault}); build or fetch it again.")
