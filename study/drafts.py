"""Events made ready for the log: a payload with its digest, and a row that hangs on the row above it."""

from __future__ import annotations

import math
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, insert

from study.database import insert_new
from study.events import SCHEMA_VERSION, Event, event_in, payload_of
from study.records import GENESIS, ClientTime, Instant, Value, payload_digest, row_hash
from study.schema import events, payloads, states
from study.session_events import SessionResumed, SessionStarted, SessionTakenOver
from study.setup_events import ClockSynced
from study.state import State, canonical, digest

COLUMNS = tuple(column.name for column in events.columns)


@dataclass(frozen=True, slots=True)
class Draft:
    """One event made ready outside the write lock."""

    event: Event
    payload: str
    salt: str
    digest: str
    states: tuple[dict[str, str], ...]  # rows of their table
    asked: list[object]  # what a retry must repeat


def draft(event: Event) -> Draft:
    """The event as it will read back, with a salt of its own."""
    # What is written is what reads back: numbers take their field's type here, once.
    read = event_in(event.name, canonical(payload_of(event)))
    fields, salt = payload_of(read), secrets.token_hex(16)
    payload = canonical(fields)
    request = {name: value for name, value in fields.items() if name not in read.results}
    asked: list[object] = [read.name, read.target(), request]
    return Draft(read, payload, salt, payload_digest(salt, payload), tuple(map(_kept, read.states())), asked)


def rows_of(
    drafted: Sequence[Draft], session_id: str, key: str, place: Mapping[str, Value], now: Instant, head: object
) -> list[dict[str, Value]]:
    """The rows of one act, chained to `head`, the session's last row as it stands or None; the first is the cause."""
    rows: list[dict[str, Value]] = []
    for number, one in enumerate(drafted):
        event = one.event
        before, after = event.state_ids()
        media, media_ms = event.in_media()
        above = cast("Mapping[str, Any] | None", rows[-1] if rows else head)
        task = getattr(event, "task", None) or None  # a draft of what is about no task has an empty one
        row: dict[str, Value] = dict.fromkeys(COLUMNS)
        row |= _study_cells(event, above)
        row |= _offset_cells(event, above)
        row |= place
        row |= {
            "schema_version": SCHEMA_VERSION,
            "event_id": str(uuid.uuid4()),
            "idem_key": idem_key(key, number),
            "session_id": session_id,
            "seq": above["seq"] + 1 if above else 1,
            "task_id": task,
            "attempt": getattr(event, "attempt", None) if task else None,
            "page": getattr(event, "page", None) or place["page"],
            "name": event.name,
            "target": event.target(),
            "srv_utc_ns": now.utc_ns,
            "srv_mono_ns": now.mono_ns,
            "boot_id": now.boot_id,
            "media_id": media,
            "media_ms": _kept_ms(media_ms),
            "before_state_id": before,
            "after_state_id": after,
            "voids_event_id": event.voids(),
            "cause_event_id": rows[0]["event_id"] if rows else None,
            "payload_digest": one.digest,
            "prev_hash": above["hash"] if above else GENESIS,
        }
        row["hash"] = row_hash(row)
        rows.append(row)
    return rows


def insert_act(connection: Connection, rows: Sequence[dict[str, Value]], drafted: Sequence[Draft], asked: str) -> None:
    """Write the rows of one act with their payloads, and the states that they met; `asked` is the request's digest."""
    met = {state["state_id"]: state for one in drafted for state in one.states}
    if met:
        connection.execute(insert_new(connection, states), list(met.values()))
    connection.execute(insert(events), list(rows))
    connection.execute(
        insert(payloads),
        [
            {"event_id": row["event_id"], "salt": one.salt, "request_digest": asked, "json": one.payload}
            for row, one in zip(rows, drafted, strict=True)
        ],
    )


def idem_key(key: str, number: int = 0) -> str:
    """The key of an act's row `number`: DIGEST, DIGEST/1, DIGEST/2, ..."""
    # Only a digest enters the chain, for a key may hold what a participant did.
    return digest(key) + (f"/{number}" if number else "")


def client_cells(client: ClientTime | None) -> dict[str, Value]:
    """The browser's clocks in their columns."""
    known = client or ClientTime()
    return {
        "client_epoch_ms": _kept_ms(known.epoch_ms),
        "client_perf_ms": _kept_ms(known.perf_ms),
        "client_time_origin": _kept_ms(known.time_origin),
    }


def _kept(state: State) -> dict[str, str]:
    text = state.text
    return {"state_id": digest(text), "edits_id": state.edits_id, "json": text}


def _kept_ms(ms: float | None) -> float | None:
    # The hash covers what reads back, and a REAL column keeps neither NaN nor -0.0, nor a whole number as one.
    return None if ms is None or not math.isfinite(ms) else float(ms) + 0.0


def _offset_cells(event: Event, above: Mapping[str, Any] | None) -> dict[str, Value]:
    """How far the browser's clock is from the server's: as last measured in this window, else not known."""
    if isinstance(event, ClockSynced):
        return {"offset_ms": _kept_ms(event.offset_ms), "offset_err_ms": _kept_ms(event.error_ms)}
    if above is None or isinstance(event, SessionResumed | SessionTakenOver):
        return {}
    return {column: above[column] for column in ("offset_ms", "offset_err_ms")}


def _study_cells(event: Event, above: Mapping[str, Any] | None) -> dict[str, Value]:
    if isinstance(event, SessionStarted):
        return {
            "study_id": event.study,
            "script_sha256": event.script_sha256,
            "participant_pseudonym": event.participant,
            "mode": event.mode,
        }
    copied = ("study_id", "script_sha256", "participant_pseudonym", "mode")
    return {column: above[column] if above else None for column in copied}
