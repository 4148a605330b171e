# pyright: basic, reportMissingTypeStubs=false
# pyarrow comes without types
"""Typed columns for analysis at any size: the tidy table as Parquet, logits as lists of float32."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from study.exports.column import Column
from study.exports.columns import COLUMNS
from study.happening import Cell

ROWS_AT_ONCE = 1_000
TABLES_IN_A_GROUP = 20
_CHOSEN_BY = ["study_id", "session_id", "seq", "task_id", "name", "srv_utc_ns"]


def _type(column: Column) -> Any:
    if column.column.startswith("logits_"):
        return pa.list_(pa.float32())
    return {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}.get(column.type, pa.string())


def schema_of(columns: Sequence[Column] = COLUMNS) -> Any:
    """The file's schema; each field has its column's meaning beside it."""
    return pa.schema(
        [pa.field(one.column, _type(one), metadata={"meaning": one.meaning, "unit": one.unit}) for one in columns]
    )


def write_parquet(lines: Iterable[Sequence[Cell]], file: BinaryIO, columns: Sequence[Column] = COLUMNS) -> int:
    """Write lines of `columns` in row groups; return how many there were. Memory holds one group."""
    rows, schema = 0, schema_of(columns)
    tables = _tables(iter(lines), columns, schema)
    # What a file says of each column of each group is kept until the end: few groups, and least and greatest values
    # only of columns that readers choose rows by.
    chosen_by: Any = [
        one.column for one in columns if one.column in _CHOSEN_BY
    ]  # names of columns, which pyarrow takes and its types do not know of
    with pq.ParquetWriter(file, schema, compression="zstd", write_statistics=chosen_by) as writer:
        while group := list(islice(tables, TABLES_IN_A_GROUP)):
            table = pa.concat_tables(group)
            writer.write_table(table, row_group_size=table.num_rows)
            rows += table.num_rows
    return rows


def _tables(left: Iterator[Sequence[Cell]], columns: Sequence[Column], schema: Any) -> Iterator[Any]:
    while some := list(islice(left, ROWS_AT_ONCE)):
        held = zip(*some, strict=True)
        values = ([_value(one, cell) for cell in cells] for one, cells in zip(columns, held, strict=True))
        arrays = [pa.array(cells, field.type) for cells, field in zip(values, schema, strict=True)]
        yield pa.Table.from_arrays(arrays, schema=schema)


def check_parquet(path: Path, columns: Sequence[Column] = COLUMNS) -> int:
    """Read the schema and every column back; its rows.

    Raises:
        ValueError: a column is not of its type.
    """
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(schema_of(columns)):
            raise ValueError("its columns are not those of the data dictionary")
        # group by group: read on, the reader keeps what it has read
        groups = (file.iter_batches(ROWS_AT_ONCE, row_groups=[number]) for number in range(file.num_row_groups))
        return sum(batch.num_rows for batches in groups for batch in batches)


def _value(column: Column, value: object) -> object:
    if column.column.startswith("logits_") and isinstance(value, str):
        return json.loads(value)
    return value
