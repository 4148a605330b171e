"""The rule coder's codes as CSV: one row for each code given, and the codebook that says what each means."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from tempfile import SpooledTemporaryFile
from typing import IO, TextIO

from study.exports.cells import csv_of
from study.exports.column import Column, col
from study.exports.plain import practice_in, unit_in
from study.happening import Cell
from study.records import Stored, Value
from study.strategies import DEFINITIONS, VERSION, Code, codes_of
from study.units import Unit

LEVELS = "|".join(DEFINITIONS)

CODES: tuple[Column, ...] = (
    col("session_id", "text", "log", "The session that was coded."),
    col("participant_pseudonym", "text", "log", "The participant's name in the record.", empty="nobody's"),
    col("task_id", "text", "script", "The task in which the coded units lie."),
    col("attempt", "integer", "log", "Which try at the task, from 1."),
    col("coder", "text", "log", "Who gave the code: the rules, with their version."),
    col("layer", "text", "log", "One move each unit, at most one scope, any patterns.", levels="move|scope|pattern"),
    col("code", "text", "log", "The code; strategy_codebook.csv defines it.", levels=LEVELS),
    col("first_seq", "integer", "log", "The row of events.csv that the coded span begins with."),
    col("last_seq", "integer", "log", "The row of events.csv that it ends with; the same for a single unit."),
    col("attributes", "JSON", "log", "What else the rule found, such as how many components were active."),
)
CODEBOOK: tuple[Column, ...] = (
    col("code", "text", "log", "The code.", levels=LEVELS),
    col("definition", "text", "log", "When it is given."),
    col("version", "text", "log", "The rules that define it so."),
)


def spooled() -> SpooledTemporaryFile[str]:
    """A file for codes on their way, in memory until it is large; close it."""
    return SpooledTemporaryFile(max_size=1 << 24, mode="w+", encoding="utf-8", newline="")


class Coder:
    """Codes sessions as their rows pass by on the way into another file, one session in memory at a time.

    The codes wait in `spool` until their own file's turn comes.
    """

    def __init__(self, spool: IO[str]) -> None:
        self._spool = spool
        csv.writer(spool).writerow([one.column for one in CODES])
        self._codes = 0

    def watched(self, stored: Iterable[Stored]) -> Iterator[Stored]:
        """`stored`, session by session as it comes; each session is coded once it has passed."""
        for _, session in groupby(stored, key=lambda one: one.row["session_id"]):
            units: list[Unit] = []
            row: Mapping[str, Value] = {}
            left_out: set[str] = set()
            for one in session:
                yield one
                if (task := practice_in(one)) is not None:
                    left_out.add(task)
                unit = unit_in(one)
                if unit is not None and unit.task not in left_out:
                    row = row or one.row
                    units.append(unit)
            self._code(units, row)

    def write(self, file: TextIO) -> int:
        """Write the codes of all that has passed; return how many there are."""
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, file)
        return self._codes

    def _code(self, units: Sequence[Unit], row: Mapping[str, Value]) -> None:
        of = {unit.seq: unit for unit in units}
        codes = codes_of(units)
        lines: list[tuple[Cell, ...]] = []
        for code in codes:
            unit = of[code.first]
            place = (row["session_id"], row["participant_pseudonym"], unit.task, unit.attempt, VERSION)
            lines.append((*place, code.layer, code.name, code.first, code.last, _attributes(code)))
        self._spool.write(csv_of(lines))
        self._codes += len(codes)


def _attributes(code: Code) -> str:
    return json.dumps(dict(code.attributes), sort_keys=True) if code.attributes else "{}"


def write_codebook(file: TextIO) -> int:
    """Write every code with its definition; return how many there are."""
    writer = csv.writer(file)
    writer.writerow([one.column for one in CODEBOOK])
    writer.writerows((code, definition, VERSION) for code, definition in DEFINITIONS.items())
    return len(DEFINITIONS)
