"""Measures how long a transcript of two thousand utterances takes: read, into the log, folded, handed on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from study.anchors import Anchor
from study.corrections import speech_of
from study.database import connect
from study.exports import export_log
from study.imports import import_transcript
from study.log import EventLog
from study.session_events import SessionStarted
from study.transcripts import transcript_in
from study.transcripts.cues import clock

pytestmark = pytest.mark.bench
UTTERANCES = 2_000


def test_a_long_transcript(tmp_path: Path) -> None:
    log = EventLog(connect(f"sqlite:///{tmp_path / 'tiller.db'}"))
    log.append("s1", SessionStarted(study="demo", study_version="1", script_sha256="5c", participant="P01"), key="s")
    cues = (
        f"{clock(2000 * n)} --> {clock(2000 * n + 1500)}\n<v P01>{n}: I think it is the badge, since the word went.\n"
        for n in range(UTTERANCES)
    )
    data = ("WEBVTT\n\n" + "\n".join(cues)).encode()
    anchor = Anchor(media_ms=0.0, error_ms=1.0, seq=1)
    steps = {
        "read": lambda: transcript_in(data),
        "into the log": lambda: import_transcript(log, "s1", data, anchor=anchor),
        "a second time": lambda: import_transcript(log, "s1", data, anchor=anchor),
        "folded": lambda: speech_of(log, "s1"),
        "as csv": lambda: export_log(log, tmp_path / "out", "csv"),
        "as qdpx": lambda: export_log(log, tmp_path / "out", "qdpx"),
    }
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        print(f"{UTTERANCES} utterances {name}: {1000 * (time.perf_counter() - start):.0f} ms")
    assert len(speech_of(log, "s1")) == UTTERANCES
