"""What every reader of transcripts gives: who said what, from when to when on the transcript's own clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.types import TillerError

LONGEST_NAME = 63  # characters; MAXQDA's own limit for a speaker's name

# The widest form of a time that transcripts write: 1:02:03.4, 01:02, 00:01:02,300; MAXQDA puts - before the tenths.
TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,-]\d{1,3})?"
_NAMED = re.compile(rf"(?P<name>[^\W_][^:\n\t]{{0,{LONGEST_NAME - 1}}}?)[ \t]*:(?:[ \t]+|$)")


class TranscriptRefused(TillerError):
    """A transcript could not be read as it is; the sentence says where and what to do."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words between two times in ms, either of which may be unknown; `speaker` is "" where none is named."""

    t0_ms: int | None
    t1_ms: int | None
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A transcript as its file says it."""

    form: str  # vtt, srt, txt or docx
    cues: tuple[Cue, ...]
    resolution_ms: int  # how finely its times are written: 1000 where they are whole seconds
    sha256: str

    @property
    def speakers(self) -> tuple[str, ...]:
        """The speakers that it names, in the order in which they first speak."""
        return tuple(dict.fromkeys(cue.speaker for cue in self.cues if cue.speaker))


def readable(text: str) -> str:
    """Text without the control characters that no form of text can hold, each a U+FFFD instead."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "\ufffd", text)


def ms_of(text: str) -> int:
    """A time such as 1:02:03.4 in milliseconds.

    Raises:
        TranscriptRefused: it has sixty minutes or sixty seconds, or is no time.
    """
    if not re.fullmatch(TIME, text):
        raise TranscriptRefused(f"{text!r} stands where a time should; write times as 00:01:02 or 00:01:02.500.")
    whole, _, fraction = re.sub("[,-]", ".", text).partition(".")
    *hours, minutes, seconds = map(int, whole.split(":"))
    if seconds > 59 or (hours and minutes > 59):
        raise TranscriptRefused(f"The time {text} has more than 59 minutes or seconds; correct it in the file.")
    return ((sum(hours) * 60 + minutes) * 60 + seconds) * 1000 + int(fraction.ljust(3, "0") or 0)


def resolution_of(times: Iterable[str]) -> int:
    """How finely times are written, in ms: 1000, 100, 10 or 1; 1000 where there is none."""
    digits = max((len(re.split("[.,-]", time)[1]) for time in times if re.search("[.,-]", time)), default=0)
    return 1000 // 10**digits


def clock(ms: int) -> str:
    """Milliseconds as 00:01:02.300."""
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def name_before(text: str) -> tuple[str, str]:
    """The speaker's name that a line begins with, "" if none, and what follows it."""
    met = _NAMED.match(text)
    if met is None or len(met["name"].split()) > 5:
        return "", text
    return met["name"].strip(), text[met.end() :]


def with_names_taken_out(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """`cues` with `Name: words` told apart, where no cue names its speaker and most begin so."""
    named = [name_before(cue.text) for cue in cues]
    if any(cue.speaker for cue in cues) or 2 * sum(bool(name) for name, _ in named) <= len(cues):
        return tuple(cues)
    return tuple(replace(cue, speaker=name, text=words) for cue, (name, words) in zip(cues, named, strict=True))


def in_order(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """`cues`, whose times were found to run forward.

    Raises:
        TranscriptRefused: one ends before it begins, or begins before the one above it does.
    """
    last = -1
    for number, cue in enumerate(cues, 1):
        begin, end = cue.t0_ms, cue.t1_ms
        if begin is not None and end is not None and end < begin:
            raise TranscriptRefused(
                f"Utterance {number} begins at {clock(begin)} and ends before that, at {clock(end)}; correct its times."
            )
        if begin is not None and begin < last:
            raise TranscriptRefused(
                f"Utterance {number} begins at {clock(begin)}, before the one above it at {clock(last)}: times run "
                "backwards there. Put the file in order, or import the transcripts of two recordings one by one."
            )
        last = last if begin is None else begin
    return tuple(cues)
