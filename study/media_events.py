"""Events of recordings and kept transcripts: begun, stored piece by piece, tied to the session, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium(Happening):
    """Something with a clock of its own: a recording, or a transcript."""

    media: str

    def target(self) -> str | None:
        return self.media

    def in_media(self) -> tuple[str | None, float | None]:
        return self.media, None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStarted(Medium):
    """A recording began, or the file of one, or of a transcript, was taken in; its pieces put end to end are it."""

    name: ClassVar[str] = "media.started"
    kind: str  # audio or transcript
    form: str  # wav, mp3, m4a, ogg, webm; vtt, srt, txt, docx


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaChunkStored(Medium):
    """A piece is on the disk; `chunk` counts from 0."""

    name: ClassVar[str] = "media.chunk_stored"
    results: ClassVar[frozenset[str]] = frozenset({"start_ms", "length_ms", "bytes"})
    chunk: int
    sha256: str
    start_ms: Real
    length_ms: Real | None = None  # None where it is not known
    bytes: int

    def in_media(self) -> tuple[str | None, float | None]:
        return self.media, self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAnchored(Medium):
    """`media_ms` is when the session's row `seq` was written, or when its server's wall clock showed `utc_ns`."""

    name: ClassVar[str] = "media.anchored"
    media_ms: Real
    seq: int | None = None
    utc_ns: int | None = None
    error_ms: Real  # the most by which that may be wrong
    replaces: str | None = None  # the event that said otherwise until now

    def in_media(self) -> tuple[str | None, float | None]:
        return self.media, self.media_ms

    def voids(self) -> str | None:
        return self.replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStopped(Medium):
    """A recording is over."""

    name: ClassVar[str] = "media.stopped"
    results: ClassVar[frozenset[str]] = frozenset({"chunks", "length_ms"})
    chunks: int  # how many pieces it has, lost ones included
    length_ms: Real | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLost(Medium):
    """A piece never came, as was found when the recording stopped."""

    name: ClassVar[str] = "media.lost"
    result: ClassVar[bool] = True
    chunk: int
