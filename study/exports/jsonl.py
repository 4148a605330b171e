"""JSON lines: one event per line with its payload, and all it takes to check the chain without this program."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from study.events import event_in, readable
from study.records import Stored, chain_of

HOW_TO_READ_JSONL = (
    "UTF-8, one JSON object a line. srv_utc_ns and srv_mono_ns are strings of whole numbers; payload is for reading, "
    "payload_text is what payload_digest was made of, after the salt. streams.jsonl has the rows of what was "
    "said, and done later: transcript:SESSION, coding:SESSION:CODER, replay:SESSION, codebook:STUDY. Rows of "
    "transcripts come without payload_text, for it has people's names; quote an utterance only where its payload says "
    "quotable."
)

# A JSON number is a double to most readers, exact to 2^53 only; these need 64 bits and travel as strings.
WIDE = ("srv_utc_ns", "srv_mono_ns")


def write_jsonl(stored: Iterable[Stored], file: TextIO) -> int:
    """Write one line per row; `payload` is for reading, `payload_text` is what `payload_digest` was made of."""
    return write_lines(map(line_of, stored), file)


def line_of(one: Stored) -> dict[str, Any]:
    """One row with all that its place in the chain can be checked by."""
    line: dict[str, Any] = {**one.row, "payload_erased": one.payload is None}
    line |= {name: str(one.row[name]) for name in WIDE}
    if one.payload is not None:
        line["payload"] = readable(event_in(str(one.row["name"]), one.payload))
        line |= {"salt": one.salt, "payload_text": one.payload}
    return line


def write_lines(lines: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """Write objects as JSON, one a line; return how many there were."""
    written = 0
    for line in lines:
        file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        written += 1
    return written


def read_jsonl(path: Path) -> Iterator[Stored]:
    """The rows of a JSON lines export, as the database held them."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            line: dict[str, Any] = json.loads(text)
            kept = {name: value for name, value in line.items() if name not in _BESIDE}
            kept |= {name: int(line[name]) for name in WIDE}
            yield Stored(kept, line.get("salt"), line.get("payload_text"))


def check_jsonl(path: Path) -> int:
    """Read a JSON lines export back, recompute every digest and chain, and return its lines.

    Raises:
        ValueError: naming the first row that does not follow.
    """
    lines = 0
    for session_id, rows in itertools.groupby(read_jsonl(path), key=lambda one: str(one.row["session_id"])):
        found = chain_of(session_id, rows)
        if not found.whole:
            raise ValueError(f"session {session_id}, row {found.bad_seq}: {found.reason}")
        lines += found.rows
    return lines


_BESIDE = {"payload_erased", "payload", "salt", "payload_text"}
