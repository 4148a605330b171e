"""Speech as WebVTT captions: who speaks as the voice, words escaped, times on the session's clock."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from study.exports.speech import Spoken
from study.transcripts import transcript_in
from study.transcripts.cues import clock


def write_speech_vtt(spoken: Sequence[Spoken], file: TextIO) -> int:
    """Write one cue an utterance, under its number; return how many there are."""
    file.write("WEBVTT\n")
    for one in spoken:
        begin, end = map(clock, one.span_ms)
        voice = re.sub(r"[\s<>&]+", " ", one.who).strip()
        # escaped, no words can hold a tag or the arrow of a cue's times
        words = html.escape(one.words, quote=False)
        file.write(f"\n{one.of.number}\n{begin} --> {end}\n<v {voice}>{words}\n")
    return len(spoken)


def check_speech_vtt(path: Path) -> int:
    """Read the captions back as any transcript is read; its cues.

    Raises:
        ValueError: times run backwards, or a cue has no voice or no length.
    """
    found = transcript_in(path.read_bytes())
    for number, cue in enumerate(found.cues, 1):
        if not cue.speaker or cue.t0_ms is None or cue.t1_ms is None or not cue.t0_ms < cue.t1_ms:
            raise ValueError(f"cue {number} has no voice or no length")
    return len(found.cues)
