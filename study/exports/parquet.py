# pyright: basic, reportMissingTypeStubs=false
# pyarrow comes without types
"""Typed columns for analysis at any size: the tidy table as Parquet, logits as lists of float32."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from study.exports.column import Column
from study.exports.columns import COLUMNS
from study.exports.plain import line_of
from study.records import Stored

ROWS_AT_ONCE = 1_000
TABLES_IN_A_GROUP = 20
_CHOSEN_BY = ["study_id", "session_id", "seq", "task_id", "name", "srv_utc_ns"]


def _type(column: Column) -> Any:
    if column.column.startswith("logits_"):
        return pa.list_(pa.float32())
    return {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}.get(column.type, pa.string())


SCHEMA = pa.schema(
    [pa.field(one.column, _type(one), metadata={"meaning": one.meaning, "unit": one.unit}) for one in COLUMNS]
)


def write_parquet(stored: Iterable[Stored], file: BinaryIO) -> int:
    """Write rows in row groups; return how many there were. Memory holds one group."""
    rows = 0
    tables = _tables(iter(stored))
    # What a file says of each column of each group is kept until the end: few groups, and least and greatest values
    # only of columns that readers choose rows by.
    chosen_by: Any = _CHOSEN_BY  # names of columns, which pyarrow takes and its types do not know of
    with pq.ParquetWriter(file, SCHEMA, compression="zstd", write_statistics=chosen_by) as writer:
        while group := list(islice(tables, TABLES_IN_A_GROUP)):
            table = pa.concat_tables(group)
            writer.write_table(table, row_group_size=table.num_rows)
            rows += table.num_rows
    return rows


def _tables(left: Iterator[Stored]) -> Iterator[Any]:
    while some := list(islice(left, ROWS_AT_ONCE)):
        held = zip(*map(line_of, some), strict=True)
        columns = [[_value(one, cell) for cell in cells] for one, cells in zip(COLUMNS, held, strict=True)]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
        yield pa.Table.from_arrays(arrays, schema=SCHEMA)


def check_parquet(path: Path) -> int:
    """Read the schema and every column back; its rows.

    Raises:
        ValueError: a column is not of its type.
    """
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(SCHEMA):
            raise ValueError("its columns are not those of the data dictionary")
        # group by group: read on, the reader keeps what it has read
        groups = (file.iter_batches(ROWS_AT_ONCE, row_groups=[number]) for number in range(file.num_row_groups))
        return sum(batch.num_rows for batches in groups for batch in batches)


def _value(column: Column, value: object) -> object:
    if column.column.startswith("logits_") and isinstance(value, str):
        return json.loads(value)
    return value
