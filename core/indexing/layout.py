"""The index file: safetensors with a JSON heading, written in one move and read through the page cache.

`data/docs/index.md` has it field by field.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from core.indexing.kept import write_whole
from core.types import MissingArtefact, TillerError

FORMAT, VERSION = "tiller-index", 1
HEADINGS = {
    "model": ("name", "sha256"),
    "dictionary": ("sha256", "block", "tokens", "components"),
    "settings": (),
    "images": ("listed", "used", "broken"),
    "labels": (),
    "reference": ("images", "tokens"),
}
PER_COMPONENT = ("density", "density_tokens", "maximum", "p99", "clarity", "monosemanticity")
WIDE = ("top_images", "middle_images", "low_images", "name_words", "neighbours", "partners")
BESIDE = {
    "top_strengths": "top_images",
    "name_scores": "name_words",
    "neighbour_cosines": "neighbours",
    "partner_scores": "partners",
}
ALSO = ("exemplar_mean", "word_vectors", "reference_activations")
TEXTS = ("files", "words", "broken")
_KINDS = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U32": "<u4", "U8": "|u1"}
_LONGEST_HEADING = 1 << 24

Span = tuple[str, tuple[int, ...], int]  # numpy's name of the type, the shape, and the first byte


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
        self._arrays = {
            name: np.frombuffer(self._bytes, kind, count=math.prod(shape), offset=begin).reshape(shape)
            for name, (kind, shape, begin) in spans.items()
        }
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

    def _check(self) -> None:
        for name, parts in HEADINGS.items():
            there = self.heading.get(name)
            lost = [part for part in parts if not isinstance(there, dict) or part not in there]
            if lost or not isinstance(there, dict | list):
                raise _damaged(self.path, f"its heading lacks {', '.join(f'{name} {part}' for part in lost) or name}")
        components = self.heading["dictionary"]["components"]
        rows = (*PER_COMPONENT, *WIDE, *BESIDE, "exemplar_mean")
        due = (*rows, *ALSO, *(f"{text}_{part}" for text in TEXTS for part in ("utf8", "ends")))
        missing = [name for name in due if name not in self]
        if missing:
            raise _damaged(self.path, f"it lacks {_few(missing)}")
        short = [name for name in rows if self[name].shape[:1] != (components,)]
        if short:
            raise _damaged(self.path, f"{_few(short)} do not have one row for each of {components} components")
        flat = [name for name in rows if self[name].ndim != (1 if name in PER_COMPONENT else 2)]
        flat += [name for name, other in BESIDE.items() if self[name].shape != self[other].shape]
        if flat:
            raise _damaged(self.path, f"{_few(flat)} have another shape than they should")
        for text in TEXTS:
            ends = self[f"{text}_ends"]
            if (np.diff(ends, prepend=0) < 0).any() or (len(ends) and ends[-1] != len(self[f"{text}_utf8"])):
                raise _damaged(self.path, f"the ends of its {text} are out of order")
        limits = {"images": len(self["files_ends"]), "words": len(self["words_ends"])}
        for each in WIDE:
            limit = limits.get(each.rpartition("_")[2], components)
            if self[each].size and not -1 <= self[each].min() <= self[each].max() < limit:
                raise _damaged(self.path, f"{each} names what is not there")
        if self["word_vectors"].shape != (1 + limits["words"], self["exemplar_mean"].shape[1]):
            raise _damaged(self.path, "word_vectors have another shape than they should")


def opening_of(path: Path) -> str:
    """What a file is by its first bytes: "file" (safetensors), "list" (JSON) or "" (neither); reads no more of it.

    Raises:
        MissingArtefact: there is no such file.
        TillerError: it is a folder, or something else that is no file.
    """
    if not path.exists():
        raise MissingArtefact(
            f"No index at {path}; make one with `tiller index build`, or `tiller demo build` for the demo."
        )
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise TillerError(f"{path} is {what}; name the file that `tiller index build` wrote.")
    with path.open("rb") as file:
        head = file.read(64)
    # safetensors begin with the heading's length, whose upper bytes are 0 as no text's are
    if head[4:8] == bytes(4) and head[8:9] in (b"{", b""):
        return "file"
    return "list" if head.lstrip()[:1] == b"[" else ""


def no_index(path: Path) -> TillerError:
    """The refusal of a file that is something else."""
    return TillerError(f"{path} is not an index, or is cut short; name a file that `tiller index build` wrote.")


def write_file(path: Path, heading: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write an index; the file is there whole or not at all."""
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    said = {"format": FORMAT, "version": VERSION, **heading, "sha256": _digest(kept)}
    write_whole(path, kept, json.dumps(said, ensure_ascii=False, sort_keys=True))


def packed(name: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Strings as two arrays: their UTF-8 one after the other, and where each ends."""
    raw = [text.encode("utf-8", "surrogateescape") for text in texts]
    return {
        f"{name}_utf8": np.frombuffer(b"".join(raw), np.uint8),
        f"{name}_ends": np.cumsum([len(each) for each in raw], dtype=np.int64),
    }


def _heading(path: Path) -> tuple[dict[str, Any], dict[str, Span]]:
    if opening_of(path) != "file":
        raise no_index(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _LONGEST_HEADING):
            raise no_index(path)
        raw = file.read(length)
    try:
        listed = json.loads(raw)
        told = listed.pop("__metadata__", {}).get("tiller", "{}")
        said = {"format": None, **json.loads(told)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise _damaged(path, "its heading cannot be read") from wrong
    if said["format"] != FORMAT:
        what = "a dictionary in Tiller's own format" if said["format"] == "tiller-sae" else "other safetensors"
        raise TillerError(f"{path} holds {what}, not an index; name a file that `tiller index build` wrote.")
    if said.get("version") != VERSION:
        raise TillerError(
            f"{path} is an index of version {said.get('version')!r}; this reads version {VERSION}: build it again."
        )
    return said, {name: _span(path, name, one, 8 + length, size) for name, one in listed.items()}


def _span(path: Path, name: str, one: Any, begin: int, size: int) -> Span:
    """Where an array lies, once its type, its shape and its place are found to agree; nothing of it is read."""
    try:
        kind, shape, (first, last) = _KINDS[one["dtype"]], tuple(one["shape"]), one["data_offsets"]
        whole = all(isinstance(each, int) and each >= 0 for each in (*shape, first, last))
    except (KeyError, TypeError, ValueError) as wrong:
        raise _damaged(path, f"of {name} it is not said what it is") from wrong
    if not whole or not first <= last <= size - begin:
        raise _damaged(path, f"{name} reaches beyond its end")
    if math.prod(shape) * np.dtype(kind).itemsize != last - first:
        raise _damaged(path, f"{name} is not as long as it says")
    return kind, shape, begin + first


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _damaged(path: Path, fault: str) -> TillerError:
    return TillerError(f"{path} is a damaged index ({fault}); build or fetch it again.")


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
