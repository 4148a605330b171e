"""A folder of labelled pictures, read in a fixed order: by a table, or by the folders that they lie in."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.types import TillerError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from core.model import Clip

FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
AT_ONCE = 16  # pictures in one pass; fixed, so that a run that was cut short rounds as one that was not


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture and the class that it really shows; `name` is its path within the folder, with forward slashes."""

    name: str
    shows: str


def labelled_pictures(folder: Path, table: Path | None = None) -> tuple[Picture, ...]:
    """Every picture of `folder` with its class, by name.

    Args:
        table: a CSV with the columns `file` and `truth`; where none is given, the folder that a picture lies in names
            its class.

    Raises:
        TillerError: there are none, or the table is not one.
    """
    if not folder.is_dir():
        raise TillerError(f"The pictures in '{folder}' were asked for, and there is no such folder; check the path.")
    found = _by_table(folder, table) if table is not None else _by_folder(folder)
    if not found:
        raise TillerError(
            f"'{folder}' holds no labelled picture; put the pictures of each class into a folder of its name, or name "
            "a table with --labels."
        )
    return tuple(sorted(found, key=lambda one: one.name))


def seen_pictures(
    model: Clip, folder: Path, pictures: Sequence[Picture], broken: Callable[[Picture, str], None]
) -> Iterator[tuple[tuple[Picture, ...], tuple[str, ...], Float[Tensor, "b 3 h w"]]]:
    """Pictures of one pass after another, the SHA-256 of their files, and what the model sees; broken ones are told.

    Pictures that cannot be read are left out; a pass whose pictures are all broken is left out as well.
    """
    import torch  # noqa: PLC0415 - slow, and a folder is judged without it

    for first in range(0, len(pictures), AT_ONCE):
        whole: list[Picture] = []
        digests: list[str] = []
        pixels: list[Tensor] = []
        for one in pictures[first : first + AT_ONCE]:
            try:
                content = (folder / one.name).read_bytes()
                pixels.append(model.pixels(content))
            except (TillerError, OSError) as wrong:
                broken(one, str(wrong))
                continue
            whole.append(one)
            digests.append(hashlib.sha256(content).hexdigest())
        if whole:
            yield tuple(whole), tuple(digests), torch.cat(pixels)


def _by_folder(folder: Path) -> list[Picture]:
    inside = (path for path in folder.rglob("*") if path.suffix.lower() in FORMATS and path.parent != folder)
    return [Picture(path.relative_to(folder).as_posix(), path.parent.name) for path in inside if path.is_file()]


def _by_table(folder: Path, table: Path) -> list[Picture]:
    if not table.is_file():
        raise TillerError(f"The labels in '{table}' were asked for, and there is no such file; check the path.")
    try:
        with table.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise TillerError(f"'{table}' is no table of text ({wrong}); save it as CSV in UTF-8.") from wrong
    columns = list(rows[0]) if rows else []
    if not {"file", "truth"} <= set(columns):
        raise TillerError(
            f"'{table}' has the columns {', '.join(map(str, columns)) or 'none'}; it takes `file` and `truth`: name "
            "them so in its first line."
        )
    inside = folder.resolve()
    for number, row in enumerate(rows, 2):
        if not row["file"] or not row["truth"]:
            raise TillerError(f"Line {number} of '{table}' lacks a file or its truth; complete it or take it out.")
        if not (folder / row["file"]).resolve().is_relative_to(inside):
            raise TillerError(f"Line {number} of '{table}' names {row['file']!r}, which lies outside of '{folder}'.")
    return list({row["file"]: Picture(Path(row["file"]).as_posix(), row["truth"].strip()) for row in rows}.values())
