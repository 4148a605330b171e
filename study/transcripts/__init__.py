"""Transcripts in the forms that transcribers and tools for qualitative work write."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from study.transcripts.cues import Cue, Transcript, TranscriptRefused, in_order, readable
from study.transcripts.docx import lines_of_docx
from study.transcripts.stamped import read_stamped
from study.transcripts.subtitles import LIKE_A_TIME, read_srt, read_vtt

__all__ = ["Cue", "Transcript", "TranscriptRefused", "read_transcript", "transcript_in"]

LONGEST = 16 << 20  # bytes; an hour of speech has some 60 KiB


def read_transcript(path: Path) -> Transcript:
    """Read a transcript: WebVTT, SRT, plain text with or without times, or docx; what it is shows in what it holds.

    Raises:
        TranscriptRefused: it is too large, holds no words, or cannot be read without guessing.
        OSError: there is no such file.
    """
    with path.open("rb") as file:
        return transcript_in(file.read(LONGEST + 1))


def transcript_in(data: bytes) -> Transcript:
    """The transcript that a file's bytes hold.

    Raises:
        TranscriptRefused: as `read_transcript`.
    """
    if len(data) > LONGEST:
        raise TranscriptRefused(
            f"The transcript is larger than {LONGEST >> 20} MiB, which no interview is; give the text alone."
        )
    form, (cues, resolution) = _read(data)
    said = [cue for cue in cues if cue.text]
    if not said:
        raise TranscriptRefused("The transcript holds no words; nothing was imported.")
    return Transcript(form, in_order(said), resolution, hashlib.sha256(data).hexdigest())


def _read(data: bytes) -> tuple[str, tuple[list[Cue], int]]:
    if data.startswith(b"PK"):
        return "docx", read_stamped(lines_of_docx(data))
    if data.startswith((b"\xd0\xcf\x11\xe0", b"{\\rtf", b"%PDF")):
        raise TranscriptRefused(
            "The transcript is an old Word document, RTF or PDF; save it as .docx or as plain text in UTF-8."
        )
    lines = lines_of(data)
    if lines and re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        return "vtt", read_vtt(lines)
    if any(LIKE_A_TIME.match(line) for line in lines):
        return "srt", read_srt(lines)
    return "txt", read_stamped(lines)


def lines_of(data: bytes) -> list[str]:
    """The lines of a text file in UTF-8, or in UTF-16 with its mark; characters that are no text become U+FFFD.

    Raises:
        TranscriptRefused: it is in another encoding.
    """
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TranscriptRefused(
            f"The transcript is not UTF-8: line {line} holds a byte that is none (0x{data[error.start]:02X}), as "
            "files in Latin-1 or Windows-1252 do. Save it as UTF-8; guessing would change people's words."
        ) from error
    if "\0" in text:
        raise TranscriptRefused("The transcript holds bytes that are no text; save it as plain text in UTF-8.")
    return [readable(line) for line in re.split(r"\r\n|\r|\n", text)]
