"""A row of the log as a value, and the hash that ties it to the row before it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from study.events import Event
from study.state import canonical, digest

GENESIS = "0" * 64

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on the server: wall clock and monotonic clock in nanoseconds, the latter good within one boot."""

    utc_ns: int
    mono_ns: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTime:
    """The browser's clocks when the act was made, in milliseconds; None where it sent none."""

    epoch_ms: float | None = None
    perf_ms: float | None = None
    time_origin: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place and times; `event` is None once its payload has been erased."""

    event: Event | None
    row: Mapping[str, Value]  # every column of the events table

    @property
    def session_id(self) -> str:
        """The stream it belongs to."""
        return str(self.row["session_id"])

    @property
    def seq(self) -> int:
        """Its number in the stream, from 1 without a gap; the only order there is."""
        return int(self.row["seq"] or 0)

    @property
    def event_id(self) -> str:
        """Its own id, which later events name it by."""
        return str(self.row["event_id"])

    @property
    def name(self) -> str:
        """Its kind, known even when its payload is erased."""
        return str(self.row["name"])

    @property
    def utc_ns(self) -> int:
        """Server wall clock in nanoseconds since 1970."""
        return int(self.row["srv_utc_ns"] or 0)

    @property
    def at(self) -> datetime:
        """Server wall clock as a UTC time, to the microsecond."""
        return datetime.fromtimestamp(self.utc_ns // 1_000_000_000, UTC).replace(
            microsecond=self.utc_ns // 1000 % 1_000_000
        )


Clock = Callable[[], Instant]


def _boot() -> str:
    # Where the system names its boot, processes share one monotonic clock; elsewhere trust it in one process only.
    named = Path("/proc/sys/kernel/random/boot_id")
    return named.read_text(encoding="ascii").strip() if named.exists() else str(uuid.uuid4())


BOOT = _boot()


def server_now() -> Instant:
    """This machine's clocks now."""
    return Instant(time.time_ns(), time.monotonic_ns(), BOOT)


def payload_digest(salt: str, payload: str) -> str:
    """SHA-256 of salt and canonical payload; the salt (hexadecimal) hides small value sets and dies with them."""
    return digest(bytes.fromhex(salt) + payload.encode())


def row_hash(row: Mapping[str, Value]) -> str:
    """SHA-256 of the canonical JSON of every column but `hash`; `prev_hash` is one of them."""
    return digest(canonical({column: value for column, value in row.items() if column != "hash"}))


@dataclass(frozen=True, slots=True)
class Stored:
    """One row as the database holds it, with its payload where that still stands."""

    row: Mapping[str, Value]
    salt: str | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class Chain:
    """Whether one stream is whole; where it is not, the first bad row and what is wrong with it."""

    session_id: str
    rows: int
    head: str
    bad_seq: int | None = None
    reason: str = ""

    @property
    def whole(self) -> bool:
        """True if every row follows from the one before it."""
        return self.bad_seq is None


def chain_of(session_id: str, stored: Iterable[Stored]) -> Chain:
    """Walk one stream in order and recompute its numbers, digests and hashes, stopping at the first fault."""
    head, rows = GENESIS, 0
    for one in stored:
        reason = _fault(one, rows + 1, head)
        if reason:
            return Chain(session_id, rows, head, rows + 1, reason)
        head, rows = str(one.row["hash"]), rows + 1
    return Chain(session_id, rows, head)


def _fault(one: Stored, expected: int, head: str) -> str:
    row = one.row
    if row["seq"] != expected:
        return f"row {expected} is missing; row {row['seq']} stands in its place"
    if row["prev_hash"] != head:
        return "it does not follow from the row before it"
    if row_hash(row) != row["hash"]:
        return "its columns were changed after it was written"
    if (
        one.salt is not None
        and one.payload is not None
        and payload_digest(one.salt, one.payload) != row["payload_digest"]
    ):
        return "its payload was changed after it was written"
    return ""
