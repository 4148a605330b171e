"""Recordings are written down on the researcher's machine, each once, on the recording's own clock."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.types import TillerError
from study import transcription
from study.__main__ import app
from study.anchors import Anchor
from study.corrections import speech_of
from study.log import EventLog
from study.media import read_media, recordings_of, stop_media, store_chunk
from study.session_events import ConsentGiven, ConsentRefused
from study.transcription import Heard, Whisper, language_of, transcribe, unheard

SAID = (
    Heard(400.4, 1500.0, " Look: the badge & the <clock> -->\n away"),
    Heard(2000.0, 2000.0, "yes"),
    Heard(3, 4, " "),
)


class Scribe:
    """A transcriber that hears what it was told to, and remembers what it was given."""

    name = "a scribe"

    def __init__(self, *said: Heard) -> None:
        self.said, self.given = said, list[tuple[bytes, str | None]]()

    def hear(self, sound: Path, language: str | None) -> Iterator[Heard]:
        self.given.append((sound.read_bytes(), language))
        yield from self.said


def recorded(log: EventLog, session: str, media: str, *, at_seq: int | None = 1) -> None:
    for number in range(3):
        store_chunk(
            log, session, media, number, b"%d" % number, form="webm", start_ms=1000.0 * number, length_ms=1000.0
        )
    if at_seq is not None:
        anchor = Anchor(media_ms=0.0, seq=at_seq, error_ms=10.0).event(media)
        log.append(f"transcript:{session}", anchor, key=f"anchor/{media}/first", actor="system")
    stop_media(log, session, media, chunks=3, length_ms=3000.0)


@pytest.fixture
def allowed(fresh_log: EventLog, session: str) -> str:
    fresh_log.append(session, ConsentGiven(scope="audio", text_sha256="c"), key="consent")
    return session


def test_words_are_taken_in_on_the_clock_of_their_recording_and_the_file_is_kept(
    fresh_log: EventLog, allowed: str
) -> None:
    recorded(fresh_log, allowed, "rec1", at_seq=1)
    recorded(fresh_log, allowed, "rec2", at_seq=2)
    scribe = Scribe(*SAID)
    for one in unheard(fresh_log, allowed):
        assert transcribe(fresh_log, allowed, one, scribe, language="en") is not None
    assert scribe.given == [(b"012", "en")] * 2
    speech = speech_of(fresh_log, allowed)
    text = "Look: the badge & the <clock> --> away"
    assert [(each.said.media, each.begin_ns // 10**6, each.text) for each in speech] == [
        ("rec1", 400, text),
        ("rec2", 1400, text),  # row 2 came a second after row 1
        ("rec1", 2000, "yes"),
        ("rec2", 3000, "yes"),
    ]
    assert all(each.said.participant for each in speech)
    kept = [one for one in recordings_of(fresh_log, allowed) if one.kind == "transcript"]
    files = [b"".join(read_media(fresh_log, allowed, one.media)).decode() for one in kept]
    assert [f"NOTE a scribe, recording rec{number}" in text for number, text in enumerate(files, 1)] == [True, True]


def test_a_run_goes_on_where_the_last_one_stopped(fresh_log: EventLog, allowed: str) -> None:
    recorded(fresh_log, allowed, "rec1")
    recorded(fresh_log, allowed, "rec2")
    recorded(fresh_log, allowed, "nowhere", at_seq=None)
    first, second = unheard(fresh_log, allowed)
    transcribe(fresh_log, allowed, first, Scribe(*SAID))
    assert unheard(fresh_log, allowed) == (second,)
    assert transcribe(fresh_log, allowed, second, Scribe()) is None, "nobody spoke"
    assert transcribe(fresh_log, allowed, first, Scribe(*SAID)).new is False  # pyright: ignore[reportOptionalMemberAccess]


def test_a_recording_that_goes_on_is_left_until_nobody_adds_to_it(fresh_log: EventLog, allowed: str) -> None:
    store_chunk(fresh_log, allowed, "rec1", 0, b"0", form="webm", start_ms=0.0, length_ms=1000.0)
    anchor = Anchor(media_ms=0.0, seq=1, error_ms=10.0).event("rec1")
    fresh_log.append(f"transcript:{allowed}", anchor, key="anchor/rec1/first", actor="system")
    assert unheard(fresh_log, allowed) == ()
    for _ in range(600):  # seconds of the clock that tests set
        fresh_log.now()
    assert [one.media for one in unheard(fresh_log, allowed)] == ["rec1"]


def test_nothing_is_written_down_of_who_refuses(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, ConsentRefused(scope="audio", text_sha256="c"), key="consent")
    with pytest.raises(TillerError, match="does not allow their voice"):
        unheard(fresh_log, session)
    assert language_of(fresh_log, session) is None  # the record holds no script of that digest


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(TillerError, match=r"not installed: `pip install -e '\.\[transcribe\]'`"):
        Whisper("small", "cpu")


@pytest.mark.file
def test_the_command_writes_down_a_whole_study_once(
    fresh_log: EventLog, allowed: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    monkeypatch.setattr(transcription, "Whisper", lambda model, device: Scribe(*SAID))
    recorded(fresh_log, allowed, "rec1")

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["transcribe", *words])
        return done.exit_code, done.stdout

    wanted = {"session": allowed, "media": "rec1", "utterances": 2}
    assert json.loads(run("--study", "demo", "--json")[1]) == {"recordings": [wanted]}
    assert json.loads(run("--session", allowed, "--json")[1]) == {"recordings": []}
    assert run()[0] == run("--session", "s1", "--study", "demo")[0] == 2
