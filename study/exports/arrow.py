# pyright: basic, reportMissingTypeStubs=false
# pyarrow comes without types
"""A large CSV export read back by a reader that is not ours, and quick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import csv
from pydantic_core import from_json

from study.exports.column import Column

_TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_BLOCK = 1 << 18  # bytes read at a time, of which memory holds several; a longer row is more than this reader takes


def rows_in(path: Path, columns: Sequence[Column]) -> int:
    """The rows of a CSV file under exactly these columns, every cell of its column's type.

    Raises:
        ValueError: not so, or a row is longer than this reader can take; which one, it cannot say.
    """
    told = csv.ConvertOptions(
        column_types={one.column: _TYPES.get(one.type, pa.string()) for one in columns},
        null_values=[""],
        strings_can_be_null=False,
        true_values=["true"],
        false_values=["false"],
    )
    quoted = csv.ParseOptions(newlines_in_values=True)
    rows = 0
    with csv.open_csv(
        path, read_options=csv.ReadOptions(block_size=_BLOCK), parse_options=quoted, convert_options=told
    ) as batches:
        if batches.schema.names != [one.column for one in columns]:
            raise ValueError("its columns are not those of the data dictionary")
        for batch in batches:
            rows += batch.num_rows
            for place, one in enumerate(columns):
                if one.type == "JSON":
                    for text in filter(None, batch.column(place).unique().to_pylist()):
                        from_json(text)
    return rows
