"""A participant's voice while they speak: pieces taken in as they come, each tied to the session's clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.types import TillerError
from study.anchors import Anchor
from study.hearing import MOST_BYTES, MOST_HOURS, Standing, Voice, spoken_in_a_task, standing_of
from study.log import EventLog
from study.media import form_begun, media_erased, stop_media, store_chunk
from study.recordings import form_in
from study.records import ClientTime, Record
from study.script import StudyScript
from study.setup_events import ClockSynced
from study.streams import stream_about
from study.talk_events import SilenceDetected

BEGIN_ERROR_MS = 100.0  # a browser says that it records up to this long after the first sound it keeps; measured: 55 ms
_MOST_PIECES = 100_000  # two days of two seconds each
_LONGEST_MS = 600_000.0  # of one piece; a browser that was put to sleep makes a long one


class ClockUnknown(TillerError):
    """The browser's clock was not compared with the server's, so a recording could not be placed; compare first."""


class PieceDamaged(TillerError):
    """A piece is not what was sent; it may be sent again."""


class FormUnknown(TillerError):
    """A recording begins with bytes of no known form of sound."""


class VoiceRefused(TillerError):
    """The voice may not be taken in; whoever records drops the piece and does as `stands` says."""

    def __init__(self, why: str, stands: Standing) -> None:
        self.stands = stands
        super().__init__(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a recorder says of a piece; times are in ms, `began_ms` by the browser's clock since 1970."""

    media: str
    chunk: int
    start_ms: float
    length_ms: float
    began_ms: float
    sha256: str


def take_piece(log: EventLog, session_id: str, script: StudyScript, sent: Sent, data: bytes) -> Standing:
    """Keep a piece, and say what the recorder is to do now; the first one ties its recording to the session's clock.

    A piece spoken before a pause or the end is taken in afterwards too; one spoken later is not. A session that is full
    takes no new piece and goes on.

    Raises:
        VoiceRefused: the participant does not allow it, it was spoken when or where nothing was to be recorded, or the
            session is full.
        ClockUnknown: say `note_clock` first.
        PieceDamaged: the digest is not that of `data`.
        FormUnknown: the recording's first piece is of no form that is known, or has not come yet.
        LogRefused: other bytes stand under its number.
        TillerError: its numbers make no sense.
    """
    records = log.read(session_id)
    stands = _allowed(log, session_id, records)
    if script.think_aloud is None or not script.think_aloud.audio:
        nothing = Standing(Voice.REFUSED, len(records))
        raise VoiceRefused("This study records no voice; the recorder stops.", nothing)
    if hashlib.sha256(data).hexdigest() != sent.sha256:
        raise PieceDamaged(f"Piece {sent.chunk} of recording {sent.media} came damaged; send it again.")
    if not (0 <= sent.chunk < _MOST_PIECES and sent.start_ms >= 0 and 0 <= sent.length_ms <= _LONGEST_MS):
        raise TillerError(f"Piece {sent.chunk} lies at {sent.start_ms} ms for {sent.length_ms} ms; no piece does.")
    offset = records[-1].row["offset_ms"]
    if not isinstance(offset, float):
        if stands.voice is Voice.OVER:  # nothing can be compared any more
            raise VoiceRefused("The session is over and its clocks were never compared; the piece is dropped.", stands)
        raise ClockUnknown("The browser's clock was not compared with the server's in this window; compare it first.")
    began_ns = round((sent.began_ms - offset) * 1e6)
    spoken_ns = began_ns + round(sent.start_ms * 1e6)
    if stands.voice in (Voice.PAUSED, Voice.OVER) and spoken_ns >= stands.since_ns:
        raise VoiceRefused(f"Nothing is recorded while the session is {stands.voice}; the recorder stops.", stands)
    error_ms = BEGIN_ERROR_MS + float(records[-1].row["offset_err_ms"] or 0)
    if not spoken_in_a_task(records, script, spoken_ns + round(error_ms * 1e6)):
        raise VoiceRefused("It was spoken outside of the tasks, where no voice is kept; the piece is dropped.", stands)
    if stands.voice is Voice.FULL and not log.acted(
        stream_about("transcript", session_id), f"media/{sent.media}/{sent.chunk}"
    ):
        raise VoiceRefused(
            f"A session has {MOST_HOURS} hours or {MOST_BYTES / 1e6:.0f} MB of sound at most, and this one has them; "
            "the recorder stops, and the session goes on.",
            stands,
        )
    form = form_begun(log, session_id, sent.media)
    if form is None:
        form = form_in(data) if sent.chunk == 0 else None
        if form is None:
            raise FormUnknown(f"Recording {sent.media} does not begin as any known form of sound does; record anew.")
    store_chunk(
        log,
        session_id,
        sent.media,
        sent.chunk,
        data,
        form=form,
        start_ms=sent.start_ms,
        length_ms=sent.length_ms,
    )
    if sent.chunk == 0:
        anchor = Anchor(media_ms=0.0, utc_ns=began_ns, error_ms=error_ms).event(sent.media)
        stream, key = stream_about("transcript", session_id), f"anchor/{sent.media}/first"
        # a piece that is sent again may find the clock compared anew: the first word stands
        if not log.acted(stream, key):
            log.append(stream, anchor, key=key, actor="system")
    return stands


def end_recording(log: EventLog, session_id: str, media: str, *, chunks: int, length_ms: float) -> None:
    """Note that a recording is over; what was to come and never came is lost. One that never began is nothing."""
    if form_begun(log, session_id, media) is None or media_erased(log, session_id):
        return
    if not log.acted(stream_about("transcript", session_id), f"media/{media}/stop"):
        stop_media(log, session_id, media, chunks=chunks, length_ms=length_ms)


def note_silence(log: EventLog, session_id: str, media: str, *, t0_ms: float, length_ms: float) -> Standing:
    """Write in the session's own stream that its recorder heard nobody; a silence of a pause is none.

    Raises:
        VoiceRefused: the participant does not allow a recording.
    """
    stands = _allowed(log, session_id, log.read(session_id))
    if stands.voice is Voice.ON:
        silence = SilenceDetected(media=media, t0_ms=t0_ms, length_ms=length_ms)
        log.append(session_id, silence, key=f"silence/{media}/{round(t0_ms)}", actor="system")
    return stands


def note_clock(log: EventLog, session_id: str, synced: ClockSynced, *, key: str, client: ClientTime) -> None:
    """Write how far the browser's clock is from the server's; the columns of the rows that follow have it.

    Raises:
        LogRefused: the session is over.
    """
    log.append(session_id, synced, key=f"clock/{key}", actor="system", client=client)


def _allowed(log: EventLog, session_id: str, records: tuple[Record, ...]) -> Standing:
    if not records or records[0].event is None or media_erased(log, session_id):
        gone = Standing(Voice.REFUSED, len(records))
        raise VoiceRefused("This session takes no recording: there is none, or what was recorded was erased.", gone)
    stands = standing_of(log, session_id, records)
    if stands.voice is Voice.REFUSED:
        raise VoiceRefused("The participant does not allow their voice to be recorded; the recorder stops.", stands)
    return stands
