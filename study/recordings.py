"""What a recording is: its form by its first bytes, its length, and its pieces as the log has them."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from core.types import TillerError
from study.media_events import MediaAnchored, MediaChunkStored, MediaLost, MediaStarted, MediaStopped
from study.records import Record

FORMS = ("wav", "mp3", "m4a", "ogg", "webm")
_HEAD = 4096
_M4A_BRANDS = (b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash")
_PICTURES = (b"V_VP8", b"V_VP9", b"V_AV1", b"V_MPEG", b"\x80theora")


@dataclass(frozen=True, slots=True)
class Piece:
    """One stored piece of a recording."""

    chunk: int
    sha256: str
    bytes: int
    start_ms: float
    length_ms: float | None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, or a transcript's file, as the log has it; its pieces put end to end are the file."""

    media: str
    kind: str  # audio or transcript
    form: str
    pieces: tuple[Piece, ...] = ()
    lost: tuple[int, ...] = ()
    stopped: bool = False
    anchor: MediaAnchored | None = None
    length_ms: float | None = None

    @property
    def seconds(self) -> float:
        """How long it is, as far as its pieces say."""
        ends = (piece.start_ms + (piece.length_ms or 0) for piece in self.pieces)
        return max(ends, default=0.0) / 1000

    @property
    def missing(self) -> tuple[int, ...]:
        """Pieces that never came: between those that did, and those found lost at the end."""
        there = {piece.chunk for piece in self.pieces}
        return tuple(sorted({*range(max(there, default=-1) + 1), *self.lost} - there))


def recordings_in(records: Iterable[Record]) -> tuple[Recording, ...]:
    """The recordings and transcript files of a session, from its stream `transcript:SESSION`; erased ones are none."""
    found: dict[str, Recording] = {}
    pieces: dict[str, list[Piece]] = {}
    for record in records:
        match record.event:
            case MediaStarted() as event:
                found[event.media] = Recording(event.media, event.kind, event.form)
                pieces[event.media] = []
            # a transcript may be tied to a session without a file of its own
            case MediaChunkStored() as event if event.media in found:
                one = Piece(event.chunk, event.sha256, event.bytes, event.start_ms, event.length_ms)
                pieces[event.media].append(one)
            case (MediaLost() | MediaStopped() | MediaAnchored()) as event if event.media in found:
                found[event.media] = _followed(found[event.media], event)
            case _:
                pass
    # an hour of speech has two thousand pieces: they are put in order once
    return tuple(
        replace(one, pieces=tuple(sorted(pieces[one.media], key=lambda piece: piece.chunk))) for one in found.values()
    )


def _followed(one: Recording, event: MediaLost | MediaStopped | MediaAnchored) -> Recording:
    match event:
        case MediaLost():
            return replace(one, lost=(*one.lost, event.chunk))
        case MediaStopped():
            return replace(one, stopped=True, length_ms=event.length_ms)
        case MediaAnchored():
            return replace(one, anchor=event)


def form_in(head: bytes) -> str | None:
    """The form of a recording of sound that begins with these bytes; None where it is none, or holds pictures."""
    form = _form(head[:_HEAD])
    return None if form in ("ogg", "webm") and any(sign in head[:_HEAD] for sign in _PICTURES) else form


def form_of(path: Path) -> str:
    """The form of a recording, by its first bytes and not by its name.

    Raises:
        TillerError: it is no sound recording that is known, or it holds moving pictures, which nobody agreed to.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    form = _form(head)
    if form is None:
        raise TillerError(
            f"{path.name} was given as a recording; its first bytes are of no {', '.join(FORMS)} file: convert it."
        )
    if (form in ("ogg", "webm") and any(sign in head for sign in _PICTURES)) or (form == "m4a" and _has_pictures(path)):
        raise TillerError(
            f"{path.name} holds moving pictures; the consent is for sound: take the sound out of it and import that."
        )
    return form


def _form(head: bytes) -> str | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"\x1aE\xdf\xa3") and (b"webm" in head[:64] or b"matroska" in head[:64]):
        return "webm"
    if head[4:8] == b"ftyp" and head[8:12] in _M4A_BRANDS:
        return "m4a"
    return "mp3" if head.startswith(b"ID3") or _starts_a_frame(head) else None


def _starts_a_frame(head: bytes) -> bool:
    """Whether these bytes are the header of an MPEG layer III frame: ISO 11172-3, 2.4.1.3."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, frequency = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer == 1 and rate not in (0, 15) and frequency != 3


def _has_pictures(path: Path) -> bool:
    """Whether an MP4 file has a track of pictures: a handler box of type `vide`."""
    held = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            held = held[-24:] + piece
            place = held.find(b"hdlr")
            while place >= 0:
                if held[place + 12 : place + 16] == b"vide":
                    return True
                place = held.find(b"hdlr", place + 1)
    return False


def length_of(path: Path, form: str) -> float | None:
    """The length in ms where the standard library can tell it, which is of WAV files; None elsewhere."""
    if form == "wav":
        with suppress(wave.Error, EOFError), wave.open(str(path)) as sound:
            return 1000 * sound.getnframes() / sound.getframerate()
    return None
