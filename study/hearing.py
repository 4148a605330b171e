"""Whether a participant's voice may be taken in: allowed, neither paused nor over nor full, and spoken in a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import bindparam, func, select

from study.log import EventLog
from study.records import Record
from study.schema import media_chunks
from study.script import StudyScript
from study.session import Session, session_in
from study.session_events import (
    ConsentGiven,
    ConsentRefused,
    ConsentScopeChanged,
    SessionCompleted,
    SessionPaused,
    SessionRejected,
    SessionResumed,
    SessionTimedOut,
    SessionWithdrawn,
)
from study.times import paused_after

# What one session may fill: at twice the bits a second that are asked for, as not every browser keeps to them.
MOST_HOURS = 8
MOST_BYTES = MOST_HOURS * 3600 * 64_000 // 8
MOST_PIECES = MOST_HOURS * 3600
_LEAVING_NS = 20_000_000_000  # a page that hears nobody ends the recording after ten seconds; the rest is on the way
_FILLED = select(func.coalesce(func.sum(media_chunks.c.bytes), 0), func.count()).where(
    media_chunks.c.session_id == bindparam("session")
)


class Voice(StrEnum):
    """What a recorder is to do."""

    ON = "on"
    PAUSED = "paused"
    OVER = "over"
    FULL = "full"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a voice may be taken in, and since which row: `turn` is 0 before anything was said about it."""

    voice: Voice = Voice.REFUSED
    turn: int = 0
    since_ns: int = 0


def standing_in(records: Iterable[Record]) -> Standing:
    """Whether the participant's voice may be taken in after `records`.

    It needs the scope `audio`, given and not taken back, and a session that is neither paused nor over.
    """
    found, allowed, paused, over = Standing(), False, False, False
    for record in records:
        match record.event:
            case ConsentGiven(scope="audio"):
                allowed = True
            case ConsentRefused(scope="audio"):
                allowed = False
            case ConsentScopeChanged(scope="audio") as event:
                allowed = event.given
            case SessionPaused() | SessionResumed():
                paused = paused_after(paused, record)
            case SessionCompleted() | SessionRejected() | SessionTimedOut():
                over = True
            case SessionWithdrawn():
                allowed = False
            case _:
                continue
        voice = _voice(allowed, paused=paused, over=over)
        if voice is not found.voice:
            found = Standing(voice, record.seq, record.utc_ns)
    return found


def _voice(allowed: bool, *, paused: bool, over: bool) -> Voice:
    if not allowed:
        return Voice.REFUSED
    if over:
        return Voice.OVER
    return Voice.PAUSED if paused else Voice.ON


def standing_of(log: EventLog, session_id: str, records: Iterable[Record]) -> Standing:
    """The same as `standing_in`, and `full` where the session has as much of a voice as it may have."""
    stands = standing_in(records)
    if stands.voice is Voice.ON:
        with log.connected() as connection:
            held, pieces = connection.execute(_FILLED, {"session": session_id}).one()
        if held >= MOST_BYTES or pieces >= MOST_PIECES:
            return replace(stands, voice=Voice.FULL)
    return stands


def is_heard(place: Session) -> bool:
    """Whether a voice is kept here: in the tasks, practice and what is asked about one of them too."""
    return place.stop is not None and place.stop.task is not None


def spoken_in_a_task(records: Sequence[Record], script: StudyScript, spoken_ns: int) -> bool:
    """Whether a voice was kept where the participant was at `spoken_ns`, or had been until just before."""
    # from the end on: a wall clock may have been set back on the way
    for rows in range(len(records), 0, -1):
        if records[rows - 1].utc_ns <= spoken_ns and is_heard(session_in(records[:rows], script)):
            return True
        if records[rows - 1].utc_ns <= spoken_ns - _LEAVING_NS:
            return False
    return False
