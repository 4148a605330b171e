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

ROWS_AT_ONCE = 2_000


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
    left: Iterator[Stored] = iter(stored)
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        while group := list(islice(left, ROWS_AT_ONCE)):
            held = zip(*map(line_of, group), strict=True)
            columns = [[_value(one, cell) for cell in cells] for one, cells in zip(COLUMNS, held, strict=True)]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
            rows += len(group)
    return rows


def check_parquet(path: Path) -> int:
    """Read the schema and every column back; its rows.

    Raises:
        ValueError: a column is not of its type.
    """
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(SCHEMA):
            raise ValueError("its columns are not those of the data dictionary")
        return sum(batch.num_rows for batch in file.iter_batches(ROWS_AT_ONCE))


def _value(column: Column, value: object) -> object:
    if column.column.startswith("logits_") and isinstance(value, str):
        return json.loads(value)
    return value
