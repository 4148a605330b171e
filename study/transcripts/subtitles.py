"""Reads WebVTT and SRT: cues with a beginning and an end, and voices where the file names them.

Written here because the libraries read for showing, not for keeping: they give one voice a cue, and leave out what
belongs to none. What cannot be read is refused with its line, so that no words are lost without a sound.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from study.transcripts.cues import Cue, TranscriptRefused, ms_of, with_names_taken_out

_AT = r"(?:\d{1,3}:)?\d{2}:\d{2}[.,]\d{3}"
LIKE_A_TIME = re.compile(r"[ \t]*[\d:.,]+[ \t]*-->")
_CUE_TIME = re.compile(rf"[ \t]*({_AT})[ \t]*-->[ \t]*({_AT})(?:[ \t].*)?$")
_TAG = re.compile(
    r"<(?:/?(?:c|i|b|u|ruby|rt|lang|font)(?:\.[^\s<>]*)?(?:[ \t][^<>]*)?|/v|(?:\d+:)?\d{2}:\d{2}\.\d{3})>",
    re.IGNORECASE,
)
_PLACED = re.compile(r"\{\\an?\d+\}")  # where SRT players are to draw the words
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t\n]+([^<>]*))?>")
_NO_SPEECH = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)")


def read_vtt(lines: Sequence[str]) -> tuple[list[Cue], int]:
    """The cues of a WebVTT file, one for each voice, and the resolution of its times in ms."""
    cues: list[Cue] = []
    for number, block in _blocks(lines):
        timed = next((place for place, line in enumerate(block[:2]) if "-->" in line), None)
        if timed is None:
            if not _NO_SPEECH.match(block[0]):
                raise TranscriptRefused(
                    f"Line {number} of the transcript ({block[0][:40]!r}) belongs to no cue; a cue's words have no "
                    "empty line in them, and a comment begins with NOTE."
                )
            continue
        begin, end = _times(block[timed], number + timed)
        cues += [Cue(begin, end, who, words) for who, words in _voices("\n".join(block[timed + 1 :]))]
    return list(with_names_taken_out(cues)), 1


def read_srt(lines: Sequence[str]) -> tuple[list[Cue], int]:
    """The cues of an SRT file and the resolution of its times in ms; empty lines may stand in a cue's words."""
    timed = [place for place, line in enumerate(lines) if LIKE_A_TIME.match(line)]
    before = [line for line in lines[: timed[0]] if line.strip() and not line.strip().isdecimal()]
    if before:
        raise TranscriptRefused(f"The transcript has words before its first time ({before[0][:40]!r}); give them one.")
    cues: list[Cue] = []
    for place, following in pairwise([*timed, len(lines) + 1]):
        words = list(lines[place + 1 : following])
        while words and not words[-1].strip():
            words.pop()
        if following < len(lines) and words and words[-1].strip().isdecimal():
            words.pop()  # the next cue's number
        begin, end = _times(lines[place], place + 1)
        cues += [Cue(begin, end, who, said) for who, said in _voices(_PLACED.sub("", "\n".join(words)))]
    return list(with_names_taken_out(cues)), 1


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Blocks of lines with the number of their first, the header left out; a time begins a new one, as in WebVTT."""
    block: list[str] = []
    header = True
    for number, line in enumerate([*lines, ""], 1):
        # a cue has at most its name before its times, and its times once
        begins = "-->" in line and (header or len(block) > 1 or any("-->" in above for above in block))
        if (not line or begins) and block:
            if not header:
                yield number - len(block), block
            block, header = [], False
        if line:
            block.append(line)


def _times(line: str, number: int) -> tuple[int, int]:
    met = _CUE_TIME.match(line)
    if met is None:
        raise TranscriptRefused(
            f"Line {number} of the transcript ({line.strip()[:60]!r}) is no cue's time; "
            "write 00:01:02.500 --> 00:01:04.000."
        )
    return ms_of(met[1]), ms_of(met[2])


def _voices(text: str) -> list[tuple[str, str]]:
    """A cue's words by the voices that say them; tags and escapes are taken out, a < that begins no tag stays."""
    first, *voiced = _VOICE.split(text)
    pieces = [("", first), *zip(voiced[::2], voiced[1::2], strict=True)]
    return [(_plain(who or "", " "), said) for who, words in pieces if (said := _plain(words, "\n"))]


def _plain(text: str, join: str) -> str:
    lines = (" ".join(html.unescape(line).split()) for line in _TAG.sub("", text).split("\n"))
    return join.join(line for line in lines if line)
