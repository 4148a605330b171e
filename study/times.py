"""How long things took: by the clock that can be trusted, with pauses taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from study.records import Instant, Record
from study.session_events import SessionPaused, SessionResumed


@dataclass(frozen=True, slots=True)
class Moment:
    """When a row was written: seconds since the session's first row, and those of them that were no pause.

    `guesses` counts the steps on the way that only the wall clock tells, as across a restart of the machine; a
    duration between two moments is sure where they have equally many.
    """

    second: float
    working: float
    guesses: int


def moments_of(records: Sequence[Record]) -> list[Moment]:
    """The moment of each row: by the monotonic clock within one boot, by the wall clock across boots."""
    now, idle, guesses, paused = 0, 0, 0, False
    found: list[Moment] = []
    for place, record in enumerate(records):
        if place:
            last = records[place - 1]
            sure = record.row["boot_id"] == last.row["boot_id"]
            clock = "srv_mono_ns" if sure else "srv_utc_ns"
            # a wall clock that was set back must not turn the order round
            step = max(0, int(record.row[clock] or 0) - int(last.row[clock] or 0))
            now += step
            idle += step * paused
            guesses += not sure
        paused = paused_after(paused, record)
        found.append(Moment(now / 1e9, (now - idle) / 1e9, guesses))
    return found


def paused_after(paused: bool, record: Record) -> bool:
    """Whether a session stands still after a row, given whether it did before."""
    match record.event:
        case SessionPaused():
            return True
        case SessionResumed() as event:
            return paused and not event.ends_pause
        case _:
            return paused


def since(record: Record, now: Instant) -> float:
    """Seconds from a row to `now`: by the monotonic clock within one boot, else by the wall clock."""
    sure = record.row["boot_id"] == now.boot_id
    then = int(record.row["srv_mono_ns" if sure else "srv_utc_ns"] or 0)
    return max(0.0, ((now.mono_ns if sure else now.utc_ns) - then) / 1e9)


def seconds_of(records: Sequence[Record]) -> list[float]:
    """Seconds since the first row, of each row."""
    return [moment.second for moment in moments_of(records)]
