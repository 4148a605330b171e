"""What was said in a session for the replay: its utterances and recordings on the session's clock, and their sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from core.types import TillerError
from pages.parts.rig import Rig
from study.anchors import zero_ns
from study.clock import SessionClock
from study.consent import refused
from study.log import EventLog
from study.media import paths_of, read_media, recording_of, recordings_of
from study.recordings import Recording
from study.records import Record
from study.speech import names_in, speech_in
from study.streams import stream_about

TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg", "webm": "audio/webm"}
_AT_ONCE = 1 << 21  # bytes of one answer to a player that asks for a part
_DIGITS = 30  # in both ends of a range; Python reads no number of thousands of digits


def said_in(rig: Rig, records: Sequence[Record]) -> list[dict[str, Any]]:
    """The utterances, in milliseconds since the session's first row; one before it has its time below 0."""
    spoken = speech_in(records, rig.log.read(stream_about("transcript", records[0].session_id)))
    names = names_in(records, spoken)
    return [
        {
            "begin": one.begin_ns / 1e6,
            "end": one.end_ns / 1e6,
            "speaker": names[one.id],
            "participant": one.said.participant,
            "text": one.text,
        }
        for one in spoken
    ]


def sounds_in(rig: Rig, records: Sequence[Record]) -> list[dict[str, Any]]:
    """The recordings that are tied to the session's clock, and when they begin; none against the consent."""
    session = records[0].session_id
    if records[0].event is None or refused(records, "audio"):
        return []
    clock = SessionClock(records)
    return [
        {
            "media": one.media,
            "begin": zero_ns(one.anchor, clock) / 1e6,
            "end": None if one.length_ms is None else zero_ns(one.anchor, clock) / 1e6 + one.length_ms,
            "missing": len(one.missing),
        }
        for one in recordings_of(rig.log, session)
        if one.kind == "audio" and one.anchor is not None and one.form in TYPES
    ]


def sound_of(log: EventLog, session: str, media: str, wanted: str) -> Response:
    """One recording, whole or the part that a player asks for in its Range header `wanted`."""
    try:
        if refused(log.read(session), "audio"):
            return Response(status_code=404)
        return _part(log, session, recording_of(log, session, media), wanted)
    except (TillerError, FileNotFoundError):
        return Response(status_code=404)


def _part(log: EventLog, session: str, one: Recording, wanted: str) -> Response:
    kind, whole = TYPES.get(one.form), sum(piece.bytes for piece in one.pieces)
    if kind is None or not whole:
        return Response(status_code=404)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store"}
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first.isdecimal() or len(first + last) > _DIGITS:
        return StreamingResponse(read_media(log, session, one.media), media_type=kind, headers=headers)
    start = int(first)
    stop = min(int(last) + 1 if last.isdecimal() else whole, whole, start + _AT_ONCE)
    if start >= stop:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{whole}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{whole}"
    return Response(_bytes(log, session, one, start, stop), 206, headers, kind)


def _bytes(log: EventLog, session: str, one: Recording, start: int, stop: int) -> bytes:
    held, before = bytearray(), 0
    for path, piece in zip(paths_of(log, session, one), one.pieces, strict=True):
        low, high = max(start - before, 0), min(stop - before, piece.bytes)
        if low < high:
            with path.open("rb") as file:
                file.seek(low)
                held += file.read(high - low)
        before += piece.bytes
    return bytes(held)
