"""Tidy CSV: one row per event, every column in the data dictionary, no cell that a spreadsheet would run.

Text that begins with a sign which a spreadsheet takes for a formula's, or with an apostrophe, gets one apostrophe
before it, whoever wrote it; `as_written` takes it off again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from study.exports.column import Column
from study.exports.columns import COLUMNS, NAMES
from study.happening import Cell
from study.records import Record

HOW_TO_READ_CSV = (
    "UTF-8. In pandas: read_csv(path, keep_default_na=False, na_values=[''], float_precision='round_trip'). "
    "A text that begins with an apostrophe was given it, so that no spreadsheet runs the text: take one off."
)

_RISKY = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'", "\t", "\r", "\n")
_LONGEST = 2**31 - 1  # the csv module itself stops at 128 KiB a cell


def write_csv(records: Iterable[Record], file: TextIO) -> int:
    """Write `records` to a text file opened with newline=""; return how many there were."""
    writer = csv.writer(file)
    writer.writerow(NAMES)
    rows = 0
    for record in records:
        cells = cells_of(record)
        # most cells of a row are empty: they are not worth a call
        writer.writerow(["" if (value := cells.get(name)) is None else cell_of(value) for name in NAMES])
        rows += 1
    return rows


def cells_of(record: Record) -> dict[str, Cell]:
    """One event's values by column; columns that its kind does not have are missing."""
    cells: dict[str, Cell] = {**record.row, "payload_erased": record.event is None}
    return cells if record.event is None else cells | record.event.cells()


def check_csv(path: Path, columns: Sequence[Column] = COLUMNS) -> int:
    """Read a CSV export of `columns` back and return its rows.

    Raises:
        ValueError: the header is not the dictionary's, or a row has a cell that is not of its column's type.
    """
    rows = 0
    typed = [(place, one) for place, one in enumerate(columns) if one.type != "text"]  # any text is text
    with _long_cells(), path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if next(reader) != [one.column for one in columns]:
            raise ValueError("its columns are not those of the data dictionary")
        for row in reader:
            rows += 1
            if len(row) != len(columns):
                raise ValueError(f"row {rows} has {len(row)} cells, {len(columns)} are due")
            for place, one in typed:
                if row[place] and not _readable(one.type, row[place]):
                    raise ValueError(f"row {rows}, {one.column}: {row[place][:40]!r} is no {one.type}")
    return rows


def as_written(cell: str) -> str:
    """Text as it was written, from its cell."""
    return cell[1:] if cell.startswith("'") else cell


def cell_of(value: Cell) -> str | int | float:
    """What stands in the file for a value: text that a spreadsheet would run gets an apostrophe before it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if value.startswith(_RISKY):
            return f"'{value}"
        case _:
            return value


_READ: dict[str, Callable[[str], object]] = {"integer": int, "number": float, "JSON": json.loads}


def _readable(kind: str, cell: str) -> bool:
    if kind == "boolean":
        return cell in ("true", "false")
    try:
        _READ.get(kind, str)(cell)
    except ValueError:
        return False
    return True


@contextmanager
def _long_cells() -> Generator[None]:
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
