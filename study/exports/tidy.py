"""Tidy CSV: one row per event, every column in the data dictionary, no cell that a spreadsheet would run.

Text that begins with a sign which a spreadsheet takes for a formula's, or with an apostrophe, gets one apostrophe
before it, whoever wrote it; `as_written` takes it off again.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TextIO

from pydantic_core import from_json

from study.exports.cells import write_table
from study.exports.column import Column
from study.exports.columns import COLUMNS, NAMES
from study.exports.plain import line_of
from study.records import Stored

HOW_TO_READ_CSV = (
    "UTF-8. In pandas: read_csv(path, keep_default_na=False, na_values=[''], float_precision='round_trip'). "
    "A text that begins with an apostrophe was given it, so that no spreadsheet runs the text: take one off."
)

_AT_ONCE = 500
_LARGE = 1 << 24  # bytes
_LONGEST = 2**31 - 1  # the csv module itself stops at 128 KiB a cell


def write_csv(stored: Iterable[Stored], file: TextIO) -> int:
    """Write rows to a text file opened with newline=""; return how many there were."""
    return write_table(NAMES, map(line_of, stored), file)


def check_csv(path: Path, columns: Sequence[Column] = COLUMNS) -> int:
    """Read a CSV export of `columns` back and return its rows.

    Raises:
        ValueError: the header is not the dictionary's, or a row has a cell that is not of its column's type.
    """
    if path.stat().st_size > _LARGE:
        from study.exports.arrow import rows_in  # noqa: PLC0415 - slow to import, for large files

        with suppress(ValueError):  # the other reader says what is wrong, and where
            return rows_in(path, columns)
    rows = 0
    typed = [(place, one) for place, one in enumerate(columns) if one.type != "text"]  # any text is text
    with _long_cells(), path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if next(reader) != [one.column for one in columns]:
            raise ValueError("its columns are not those of the data dictionary")
        while some := list(islice(reader, _AT_ONCE)):
            for number, row in enumerate(some, rows + 1):
                if len(row) != len(columns):
                    raise ValueError(f"row {number} has {len(row)} cells, {len(columns)} are due")
            held = list(zip(*some, strict=True))
            for place, one in typed:
                strange = _unreadable(one.type, held[place])
                if strange is not None:
                    number = rows + 1 + held[place].index(strange)
                    raise ValueError(f"row {number}, {one.column}: {strange[:40]!r} is no {one.type}")
            rows += len(some)
    return rows


def as_written(cell: str) -> str:
    """Text as it was written, from its cell."""
    return cell[1:] if cell.startswith("'") else cell


_READ: dict[str, Callable[[str], object]] = {
    "integer": int,
    "number": float,
    "JSON": from_json,
    "boolean": {"true": True, "false": False}.__getitem__,
}


def _unreadable(kind: str, column: Sequence[str]) -> str | None:
    """A cell of a column that is not of its kind; equal cells are read once."""
    read = _READ[kind]
    for cell in set(column):
        try:
            if cell:
                read(cell)
        except (ValueError, KeyError):
            return cell
    return None


@contextmanager
def _long_cells() -> Generator[None]:
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
