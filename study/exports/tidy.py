"""Tidy CSV: one row per event, every column in the data dictionary, no cell that a spreadsheet would run.

Text from a participant or their browser that begins with = + - @ ' or a tab or carriage return gets one apostrophe
before it; `as_written` takes it off again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from study.events import Cell
from study.exports.columns import NAMES, WRITTEN_OUTSIDE
from study.records import Record

_RISKY = ("=", "+", "-", "@", "'", "\t", "\r", "\n")


def write_csv(records: Iterable[Record], file: TextIO) -> int:
    """Write `records` to a text file opened with newline=""; return how many there were."""
    writer = csv.writer(file)
    writer.writerow(NAMES)
    rows = 0
    for record in records:
        cells: dict[str, Cell] = {**record.row, "payload_erased": record.event is None}
        if record.event is not None:
            cells |= record.event.cells()
        writer.writerow([_cell(name, cells.get(name)) for name in NAMES])
        rows += 1
    return rows


def check_csv(path: Path) -> int:
    """Read a CSV export back and return its rows.

    Raises:
        ValueError: a row has another number of cells than the header, or the header is not the dictionary's.
    """
    rows = 0
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if tuple(next(reader)) != NAMES:
            raise ValueError(f"{path.name}: its columns are not those of the data dictionary.")
        for row in reader:
            rows += 1
            if len(row) != len(NAMES):
                raise ValueError(f"{path.name}: row {rows} has {len(row)} cells, {len(NAMES)} are due.")
    return rows


def as_written(cell: str) -> str:
    """Text of a participant as it was written, from its cell."""
    return cell[1:] if cell.startswith("'") else cell


def _cell(name: str, value: Cell) -> str | int | float:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if name in WRITTEN_OUTSIDE and value.startswith(_RISKY):
            return f"'{value}"
        case _:
            return value
