"""Events of what was said in a session: utterances from its transcripts, their corrections, and silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken(Happening):
    """One stretch of speech; `t0_ms` and `t1_ms` are of the clock of `media`, None where the transcript has no time.

    When that was in the session is not written here: it follows from where `media` is anchored, which may be mended.
    """

    utterance: str
    media: str
    t0_ms: Real | None = None
    t1_ms: Real | None = None
    speaker: str = ""  # as the transcript names them
    participant: bool = True  # whether it is the participant who speaks
    text: str

    def target(self) -> str | None:
        return self.utterance

    def in_media(self) -> tuple[str | None, float | None]:
        return self.media, self.t0_ms

    def said(self) -> tuple[str, ...]:
        return self.text, self.speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceImported(Spoken):
    """An utterance as a transcript has it; `number` counts the transcript's utterances from 1."""

    name: ClassVar[str] = "utterance.imported"
    number: int
    source_sha256: str  # digest of the transcript's file
    resolution_ms: Real  # how finely the transcript writes its times


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceCorrected(Spoken):
    """The whole utterance as it is to be read from now on; one without words is struck out."""

    name: ClassVar[str] = "utterance.corrected"
    results: ClassVar[frozenset[str]] = frozenset({"corrects"})
    corrects: str  # the event that said it until now

    def voids(self) -> str | None:
        return self.corrects


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDetected(Happening):
    """A recorder heard nobody from `t0_ms` on, for `length_ms`."""

    name: ClassVar[str] = "silence.detected"
    media: str
    t0_ms: Real
    length_ms: Real

    def target(self) -> str | None:
        return self.media

    def in_media(self) -> tuple[str | None, float | None]:
        return self.media, self.t0_ms
