"""Speech to text on the researcher's own machine: each recording gets a transcript, taken in as any other is."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from core.types import TillerError
from study.imports import Imported, import_transcript
from study.log import EventLog
from study.media import may_record, read_media, recordings_of
from study.recordings import Recording
from study.script import ScriptError
from study.scripts import script_of
from study.session_events import SessionStarted
from study.streams import stream_about
from study.talk_events import UtteranceImported
from study.transcripts.cues import clock

_STILL_GOES_ON_NS = 600 * 10**9  # a recorder that was silent for longer will not come back to end its recording


@dataclass(frozen=True, slots=True)
class Heard:
    """Words, and when they were said, in ms of the recording."""

    t0_ms: float
    t1_ms: float
    text: str


class Transcriber(Protocol):
    """What turns sound into words; `name` goes into the transcript's file."""

    @property
    def name(self) -> str:
        """What it is, with its model."""
        ...

    def hear(self, sound: Path, language: str | None) -> Iterable[Heard]:
        """The words in a sound file, in order; in a language that is found out if it is None."""
        ...


class Whisper:
    """faster-whisper with one model, in memory as long as this lives."""

    def __init__(self, model: str, device: str) -> None:
        """Load a model by name or folder.

        Raises:
            TillerError: the extra is not installed, or there is no such model.
        """
        try:
            module: Any = import_module("faster_whisper")
        except ImportError as error:
            raise TillerError(
                "`tiller transcribe` needs faster-whisper, which is not installed: `pip install -e '.[transcribe]'`. "
                "Transcripts made elsewhere are taken in by `tiller transcript`."
            ) from error
        self.name = f"faster-whisper {module.__version__} {Path(model).name}"
        try:
            self._model = module.WhisperModel(model, device=device, compute_type="int8" if device == "cpu" else "auto")
        except (OSError, RuntimeError, ValueError) as error:
            why = " ".join(str(error).split())[:160]
            raise TillerError(
                f"Model {model!r} was asked for on {device}; it could not be loaded ({why}). "
                "Name one that faster-whisper can fetch, such as small, or the folder of one."
            ) from error

    def hear(self, sound: Path, language: str | None) -> Iterator[Heard]:
        """The words in a sound file, found as the caller asks for them."""
        # quiet stretches are where such models make words up
        segments, _ = self._model.transcribe(str(sound), language=language, vad_filter=True)
        for one in segments:
            yield Heard(1000 * one.start, 1000 * one.end, one.text)


def unheard(log: EventLog, session_id: str) -> tuple[Recording, ...]:
    """The recordings of a session that lie in it, are over and have no words yet.

    Raises:
        TillerError: there is no such session, or it takes no transcript.
    """
    may_record(log, session_id)
    rows = log.read(stream_about("transcript", session_id))
    told = {record.event.media for record in rows if isinstance(record.event, UtteranceImported)}
    quiet = bool(rows) and log.now().utc_ns - rows[-1].utc_ns > _STILL_GOES_ON_NS
    return tuple(
        one
        for one in recordings_of(log, session_id)
        if one.kind == "audio" and one.pieces and one.anchor is not None and (one.stopped or quiet)
        if one.media not in told
    )


def transcribe(
    log: EventLog,
    session_id: str,
    one: Recording,
    transcriber: Transcriber,
    *,
    language: str | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Imported | None:
    """Take in the words of one recording, on its own clock, as said by the participant; None if there are none.

    Args:
        log: the record.
        session_id: whose voice it is.
        one: a recording of `unheard`.
        transcriber: what hears it.
        language: what is spoken; else that of the session's texts, if the record knows it.
        progress: is told how many seconds have been heard.
    """
    started = log.read(session_id)[0].event
    speaker = started.participant if isinstance(started, SessionStarted) else "participant"
    heard: list[Heard] = []
    with TemporaryDirectory(prefix="tiller-") as folder:
        sound = Path(folder) / f"sound.{one.form}"
        with sound.open("wb") as file:
            for held in read_media(log, session_id, one.media):
                file.write(held)
        for words in transcriber.hear(sound, language or language_of(log, session_id)):
            if words.text.strip():
                heard.append(words)
            progress(words.t1_ms / 1000)
    if not heard:
        return None
    text = "\n".join([f"WEBVTT\n\nNOTE {transcriber.name}, recording {one.media}\n", *_cues(heard, speaker)])
    return import_transcript(log, session_id, text.encode(), media=one.media)


def language_of(log: EventLog, session_id: str) -> str | None:
    """The language of a session's texts: its own, else its script's first; None where the record does not know."""
    started = log.read(session_id)[0].event
    if not isinstance(started, SessionStarted):
        return None
    script = None
    with suppress(ScriptError):
        script = script_of(log, started.script_sha256)
    return started.language or (script.study.languages[0] if script else None)


def _cues(heard: Iterable[Heard], speaker: str) -> Iterator[str]:
    for one in heard:
        begin = max(0, round(one.t0_ms))
        # without the voice tag, a sentence that begins "Look:" would be by somebody called Look
        words = html.escape(" ".join(one.text.split()), quote=False)
        yield f"{clock(begin)} --> {clock(max(begin + 1, round(one.t1_ms)))}\n<v {speaker}>{words}\n"
