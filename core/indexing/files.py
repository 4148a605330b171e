"""The image files of a set in one order for good, kept on disk, so that a hundred million of them need no memory."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.types import TillerError, many

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
AT_ONCE = 1 << 16  # names held while the list is written
_PARTS = ("names", "ends", "truths", "list")


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """The files below `folder`, by position in their sorted list; a position is an image's number for good.

    `truths` are places in `labels`, -1 where a file has none. `digest` is over names, sizes and truths.
    """

    folder: Path
    names: np.ndarray
    ends: np.ndarray
    truths: np.ndarray
    labels: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.ends)

    def name(self, position: int) -> str:
        """The file's path below the folder, with forward slashes."""
        begin = int(self.ends[position - 1]) if position else 0
        return os.fsdecode(self.names[begin : int(self.ends[position])].tobytes())

    def path(self, position: int) -> Path:
        """Where the file is."""
        return self.folder / self.name(position)


def list_files(
    folder: Path, work: Path, *, truths: Mapping[str, str] | None = None, from_folders: bool = False
) -> ImageFiles:
    """Walk `folder` in sorted order and write the list into `work`.

    Args:
        truths: the class of each file that has one, by its path below the folder.
        from_folders: each file's class is the first folder of its path.

    Raises:
        TillerError: as `check_images`.
    """
    check_images(folder, truths)
    digest, labels, end, count = hashlib.sha256(), dict[str, int](), 0, 0
    with (work / "names").open("wb") as names, (work / "ends").open("wb") as ends, (work / "truths").open("wb") as said:
        spans, classes = array("q"), array("i")
        for name, size in _walked(folder, ""):
            label = name.split("/", 1)[0] if from_folders and "/" in name else (truths or {}).get(name)
            raw = os.fsencode(name)
            digest.update(b"%d %d " % (len(raw), size) + raw + (label or "").encode() + b"\n")
            names.write(raw)
            end += len(raw)
            count += 1
            spans.append(end)
            classes.append(-1 if label is None else labels.setdefault(label, len(labels)))
            if len(spans) == AT_ONCE:
                spans.tofile(ends)
                classes.tofile(said)
                spans, classes = array("q"), array("i")
        spans.tofile(ends)
        classes.tofile(said)
    heading = {"folder": str(folder), "labels": list(labels), "digest": digest.hexdigest()}
    (work / "list").write_text(json.dumps(heading), encoding="utf-8")
    return open_files(work)


def check_images(folder: Path, truths: Mapping[str, str] | None = None) -> None:
    """Refuse a folder without a picture, and truths of none of its files, before anything is made of it."""
    if not folder.is_dir():
        what = "it is no folder" if folder.exists() else "there is no such folder"
        raise TillerError(f"The images in {folder} were asked for, and {what}; check the path.")
    if not any(_is_picture(name) for _, _, names in os.walk(folder) for name in names):
        raise TillerError(f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))}); name a folder that does.")
    if truths is not None and not any(_is_picture(Path(name).name) and (folder / name).exists() for name in truths):
        raise TillerError(
            f"None of the {many(len(truths), 'file')} in the table of truths is in {folder}; name files by their "
            "path below it."
        )


def check_same(begun: ImageFiles, now: ImageFiles, work: Path) -> None:
    """Refuse a list that differs from the one that an index was begun with; say by which file first."""
    if begun.digest == now.digest:
        return
    size = min(len(begun.names), len(now.names))
    place = int(np.argmax(np.r_[begun.names[:size] != now.names[:size], True]))
    number = min(int(np.searchsorted(each.ends, place, "right")) for each in (begun, now))
    longer = begun if len(begun) > len(now) else now
    first = (
        f"the first that differs is {longer.name(number)}" if number < len(longer) else "the same names, other sizes"
    )
    raise TillerError(
        f"The pictures in {now.folder} have changed since this index was begun ({len(begun):,} then, {len(now):,} now; "
        f"{first}); put them back to go on with it, or remove {work} to begin anew."
    )


def open_files(work: Path) -> ImageFiles:
    """The list that `list_files` wrote, read from disk as it is needed."""
    said = json.loads((work / "list").read_text(encoding="utf-8"))
    return ImageFiles(
        Path(said["folder"]),
        np.memmap(work / "names", np.uint8, "r"),
        np.memmap(work / "ends", np.int64, "r"),
        np.memmap(work / "truths", np.int32, "r"),
        tuple(said["labels"]),
        said["digest"],
    )


def adopt(listed: Path, work: Path) -> None:
    """Move a list that was written into the folder `listed` to `work`."""
    for part in _PARTS:
        (listed / part).replace(work / part)
    listed.rmdir()


def read_truths(table: Path) -> dict[str, str]:
    """The class of each file, from a CSV with the columns `file` and `truth`."""
    if not table.is_file():
        raise TillerError(f"The table of truths {table} was asked for, but there is no such file; check the path.")
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the first column
            rows = csv.DictReader(file)
            if not {"file", "truth"} <= set(rows.fieldnames or ()):
                raise TillerError(
                    f"{table} was given as a table of truths and has columns {', '.join(rows.fieldnames or ['none'])}; "
                    "it needs `file` and `truth`."
                )
            found: dict[str, str] = {}
            for row in rows:
                if not row["file"] or not row["truth"]:
                    raise TillerError(f"Line {rows.line_num} of {table} lacks a file or its truth; fill it in.")
                found[row["file"]] = row["truth"]
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise TillerError(
            f"{table} is no CSV in UTF-8 ({wrong}); save it so, with columns `file` and `truth`."
        ) from wrong
    return found


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def _walked(folder: Path, below: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walked(Path(entry.path), f"{below}{entry.name}/")
        elif _is_picture(entry.name):
            yield f"{below}{entry.name}", _size(entry)


def _size(entry: os.DirEntry[str]) -> int:
    """Its bytes; -1 where a link leads nowhere, which is found broken when it is opened."""
    try:
        return entry.stat().st_size
    except OSError:
        return -1
