"""Values as the texts that stand in a CSV file: quoted as the csv module does, and never a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TextIO, cast

from study.happening import Cell

_RISKY = frozenset("=+-@\uff1d\uff0b\uff0d\uff20'\t\r\n")
_QUOTE = '"'
_NONE = type(None)
_AT_ONCE = 500


def write_table(names: Sequence[str], lines: Iterable[Sequence[Cell]], file: TextIO) -> int:
    """Write a table to a text file opened with newline=""; return its lines."""
    csv.writer(file).writerow(names)
    written, left = 0, iter(lines)
    while some := list(islice(left, _AT_ONCE)):
        file.write(csv_of(some))
        written += len(some)
    return written


def csv_of(lines: Iterable[Sequence[Cell]]) -> str:
    """Lines of equally many values as they stand in a CSV file; many at once cost less."""
    columns = [_texts(column) for column in zip(*lines, strict=True)]
    return "".join([f"{','.join(texts)}\r\n" for texts in zip(*columns, strict=True)])


def _texts(column: Sequence[Cell]) -> Sequence[str]:
    """A column's texts; equal values and clean columns are looked at once."""
    kinds = set(map(type, column))
    if kinds == {_NONE}:
        return [""] * len(column)
    if kinds <= {int, _NONE} or kinds <= {float, _NONE}:
        return ["" if value is None else repr(value) for value in column]
    if not kinds <= {str, _NONE}:
        return list(map(_text, column))
    some = cast("Sequence[str]", [value or "" for value in column] if _NONE in kinds else column)
    if _clean(some):
        return some
    known = {value: _text(value) for value in set(some)}
    return [known[value] for value in some]


def _text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"'{value}" if isinstance(value, str) and value[:1] in _RISKY else str(value)
    if _QUOTE in text or "," in text or "\n" in text or "\r" in text:
        return f'"{text.replace(_QUOTE, _QUOTE * 2)}"'
    return text


def _clean(column: Sequence[str]) -> bool:
    """Whether no cell needs a quote or an apostrophe; a whole column is searched at once."""
    together = "".join(column)
    if not together.isascii() or any(sign in together for sign in (",", _QUOTE, "\r", "\n")):
        return False
    risky = [sign for sign in "=+-@'\t" if sign in together]
    return not risky or not any(text[:1] in _RISKY for text in column)
