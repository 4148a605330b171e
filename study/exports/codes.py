"""The rule coder's codes as CSV: one row for each code given, and the codebook that says what each means."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import TextIO

from study.exports.columns import Column, col
from study.exports.tidy import cell_of
from study.records import Record
from study.strategies import DEFINITIONS, VERSION, codes_of
from study.units import units_in

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


def write_codes(sessions: Iterable[Sequence[Record]], file: TextIO) -> int:
    """Write the codes of whole sessions, in order; return how many there were."""
    writer = csv.writer(file)
    writer.writerow([one.column for one in CODES])
    rows = 0
    for records in sessions:
        units = units_in(records)
        of = {unit.seq: unit for unit in units}
        for code in codes_of(units):
            unit, row = of[code.first], records[0].row
            place = (unit.task, unit.attempt, VERSION, code.layer, code.name, code.first, code.last)
            attributes = json.dumps(dict(code.attributes), sort_keys=True)
            cells = (row["session_id"], row["participant_pseudonym"], *place, attributes)
            writer.writerow(map(cell_of, cells))
            rows += 1
    return rows


def write_codebook(file: TextIO) -> int:
    """Write every code with its definition; return how many there are."""
    writer = csv.writer(file)
    writer.writerow([one.column for one in CODEBOOK])
    writer.writerows((code, definition, VERSION) for code, definition in DEFINITIONS.items())
    return len(DEFINITIONS)
