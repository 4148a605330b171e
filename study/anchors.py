"""Where a recording or a transcript lies in a session: one time of its own clock, and the row or wall clock it met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.types import TillerError
from study.clock import SessionClock
from study.media_events import MediaAnchored
from study.records import Record
from study.transcripts.cues import ms_of, resolution_of

DRIFT = 1e-4  # how much a recorder's clock may gain or lose on the server's: 100 parts in a million, 0.36 s an hour

HOW_TO_ANCHOR = (
    "say which row of the session its beginning is (--at-seq 12), when it began "
    "(--starts-at 2026-11-21T10:00:00+01:00) or how many seconds after the session's first row (--offset 3.5)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """`media_ms` is when row `seq` was written, or when the wall clock showed `utc_ns`, give or take `error_ms`."""

    media_ms: float
    error_ms: float
    seq: int | None = None
    utc_ns: int | None = None

    def event(self, media: str, replaces: str | None = None) -> MediaAnchored:
        """The event that ties `media` to the session so."""
        return MediaAnchored(
            media=media,
            media_ms=self.media_ms,
            seq=self.seq,
            utc_ns=self.utc_ns,
            error_ms=self.error_ms,
            replaces=replaces,
        )


def read_anchor(
    *,
    at_seq: int | None = None,
    starts_at: str | None = None,
    offset: str | None = None,
    media_time: str = "0:00",
    error_ms: float | None = None,
) -> Anchor | None:
    """The anchor that a person has written, None if none; its error is how finely they wrote, unless they say more.

    Args:
        at_seq: the row that `media_time` is.
        starts_at: the wall clock at `media_time`, in ISO 8601 with its zone.
        offset: seconds from the session's first row to `media_time`.
        media_time: a time of the recording or transcript, its beginning by default.
        error_ms: the most by which all this may be wrong.
    """
    if sum(one is not None for one in (at_seq, starts_at, offset)) > 1:
        raise TillerError("--at-seq, --starts-at and --offset each say where a recording lies; give one of them.")
    at = float(ms_of(media_time))
    written = float(resolution_of([media_time]))
    if at_seq is not None:
        return Anchor(media_ms=at, seq=at_seq, error_ms=written if error_ms is None else error_ms)
    if starts_at is not None:
        begun = _wall_clock(starts_at)
        fine = 1.0 if begun.microsecond else 1000.0
        utc_ns = round(begun.timestamp() * 1000) * 1_000_000
        return Anchor(media_ms=at, utc_ns=utc_ns, error_ms=fine if error_ms is None else error_ms)
    if offset is not None:
        seconds, fine = _seconds(offset)
        return Anchor(media_ms=at - 1000 * seconds, seq=1, error_ms=fine if error_ms is None else error_ms)
    return None


def anchors_in(records: Sequence[Record]) -> dict[str, tuple[str, MediaAnchored]]:
    """The anchor that stands for each recording or transcript, the last one given, with its event's id."""
    return {
        record.event.media: (record.event_id, record.event)
        for record in records
        if isinstance(record.event, MediaAnchored)
    }


def check_anchor(anchor: Anchor, session: Sequence[Record], begins_ms: float, ends_ms: float | None) -> None:
    """Refuse an anchor that puts what it ties outside of the session, as a wrong zone or day does.

    Args:
        anchor: where it is said to lie.
        session: the session's rows.
        begins_ms: its first sound or word, on its own clock.
        ends_ms: its last; None if that is not known.

    Raises:
        TillerError: the row is not there, or no part of it lies within the session.
    """
    if anchor.seq is not None and not 1 <= anchor.seq <= len(session):
        raise TillerError(
            f"Row {anchor.seq} of session {session[0].session_id} was asked for; it has rows 1 to {len(session)}: "
            "name one of them."
        )
    clock = SessionClock(session)
    zero = zero_ns(anchor.event(""), clock)
    begin = zero + round(begins_ms * 1e6)
    end = None if ends_ms is None else zero + round(ends_ms * 1e6)
    slack = round(anchor.error_ms * 1e6)
    if begin > clock.end_ns + slack or (end is not None and end < -slack):
        away = begin - clock.end_ns if begin > clock.end_ns else -(end or 0)
        side = "after its last row" if begin > clock.end_ns else "before its first row"
        raise TillerError(
            f"That puts it outside of session {session[0].session_id}: {away / 1e9:,.1f} s {side}. "
            "Check the day and the time zone, or name the row that its beginning is with --at-seq."
        )


def zero_ns(anchor: MediaAnchored, clock: SessionClock) -> int:
    """The session's time at 0 ms of what `anchor` ties to it; both clocks run alike, but for DRIFT."""
    met = clock.of_row(anchor.seq) if anchor.seq is not None else clock.of_wall(anchor.utc_ns or 0)
    return met - round(anchor.media_ms * 1e6)


def error_ms(anchor: MediaAnchored, media_ms: float) -> float:
    """The most by which the session's time at `media_ms` may be wrong: the anchor's own error, and drift."""
    return anchor.error_ms + DRIFT * abs(media_ms - anchor.media_ms)


def _wall_clock(text: str) -> datetime:
    try:
        begun = datetime.fromisoformat(text)
    except ValueError as error:
        raise TillerError(f"{text!r} was given as the time it began; write it as 2026-11-21T10:00:00+01:00.") from error
    if begun.tzinfo is None:
        raise TillerError(f"{text!r} says no time zone; add it: {text}+01:00, or {text}Z for universal time.")
    return begun


def _seconds(text: str) -> tuple[float, float]:
    try:
        seconds = float(text)
    except ValueError as error:
        raise TillerError(f"{text!r} was given as an offset; write seconds, such as 3.5 or -12.") from error
    if not abs(seconds) < 1e7:
        raise TillerError(f"An offset of {text} seconds was given; no session is that long.")
    return seconds, max(1.0, 1000.0 / 10 ** len(text.partition(".")[2]))
