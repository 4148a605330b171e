"""A microphone that plays a file, a participant who allows it, and what the record then holds of their voice."""

from __future__ import annotations

import math
import os
import signal
import wave
from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from served import ARGUMENTS, Server

from study.database import connect
from study.log import EventLog
from study.media import read_media, recordings_of
from study.participants import admit
from study.recordings import Recording
from study.session_events import ConsentGiven, ConsentScopeChanged, ConsentShown, SessionStarted
from study.task_events import PageLeft

RATE = 48_000
# seconds into the file at which a tone begins and ends; silence between them
BEGINNINGS = (1.0, 3.0, 5.0, 7.2, 9.0, 11.5, 13.1, 16.0, 18.4, 21.0, 23.7, 26.0, 29.0, 31.2, 34.0, 37.1, 39.0, 42.0)
TONES = tuple((begin, begin + 0.4) for begin in BEGINNINGS)


SCRIPT = """
schema: tiller-study/1
study: {id: tiny, version: "1.0.0", title: A tiny study, contact: nobody, languages: [en, de]}
welcome: Welcome to a test.
consent:
  text: consent.md
  scopes: [{key: audio, required: false, label: Record my voice.}]
think_aloud:
  note: Please say aloud what you look at.
  audio: true
  prompts: [{id: keep, style: neutral, when: {silence_s: 1.2}, text: Please keep talking.}]
sequence:
  blocks:
    - {page: consent}
    - {page: mic_check, id: mic}
    - {page: text, id: after, title: Heard, text: That was it.}
    - {id: working, tasks: all}
    - {page: text, id: last, text: That was all.}
task_sets: {all: {tasks: [one]}}
tasks: {one: {picture: word, goal: Look., tools: [attribution], answers: [{id: a, type: free_text, label: "Why?"}]}}
debrief: Thank you.
"""


def write_spoken_script(folder: Path) -> Path:
    """A study that records the voice in its one task."""
    (folder / "consent.md").write_text("We keep what you say.", encoding="utf-8")
    path = folder / "spoken.yaml"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def write_tones(path: Path, tones: Sequence[tuple[float, float]] = TONES, length_s: float = 60.0) -> Path:
    """A WAV file that is silent but for `tones`."""
    samples = bytearray(2 * round(RATE * length_s))
    for number, (begin, end) in enumerate(tones):
        for at in range(round(begin * RATE), round(end * RATE)):
            size = round(12_000 * math.sin(2 * math.pi * (440 + 110 * (number % 4)) * at / RATE))
            samples[2 * at : 2 * at + 2] = size.to_bytes(2, "little", signed=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(bytes(samples))
    return path


def microphone(path: Path) -> list[str]:
    """What makes Chromium hear the file at `path`, once, and ask nobody."""
    return [
        *ARGUMENTS,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}%noloop",
    ]


class Speaker:
    """A participant who was asked for the scope `audio`, as the record has them."""

    def __init__(self, server: Server, *, allows: bool = True, at_task: bool = True) -> None:
        self.log = EventLog(connect(f"sqlite:///{server.database}"))
        admission = admit(self.log, "tiny")
        self.id, self.server = admission.session_id, server
        self.link = f"{server.url}?s={admission.token}"
        self.token = admission.token
        started = SessionStarted(study="tiny", study_version="1.0.0", script_sha256="s", participant="P01")
        self.write(started, ConsentShown(text_sha256="c", scopes=("audio",)), key="start")
        self.allow(allows, first=True)
        if at_task:
            self.write(*TO_THE_TASK, key="here")

    def write(self, *happened: Any, key: str) -> None:
        self.log.append(self.id, *happened, key=key)

    def allow(self, yes: bool, *, first: bool = False) -> None:
        if first and yes:
            self.write(ConsentGiven(scope="audio", text_sha256="c"), key="consent")
        else:
            self.write(ConsentScopeChanged(scope="audio", text_sha256="c", given=yes), key=f"audio/{yes}")

    @property
    def recordings(self) -> tuple[Recording, ...]:
        return recordings_of(self.log, self.id)

    @property
    def pieces(self) -> int:
        return sum(len(one.pieces) for one in self.recordings)

    def rows(self, name: str, stream: str = "") -> list[Any]:
        return [record for record in self.log.read(f"{stream}{self.id}") if record.name == name]

    def sound(self, one: Recording) -> bytes:
        return b"".join(read_media(self.log, self.id, one.media))


TO_THE_TASK = (PageLeft(page="mic"), PageLeft(page="after"))

DECODE = """
  async (text) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes.buffer);
    const wave = sound.getChannelData(0);
    const loud = [];
    for (let at = 0; at + 480 <= wave.length; at += 480) {
      let sum = 0;
      for (let each = at; each < at + 480; each++) sum += wave[each] ** 2;
      loud.push(Math.sqrt(sum / 480) > 0.05);
    }
    return { seconds: sound.duration, loud };
  }
"""


def heard_in(page: Any, sound: bytes) -> tuple[float, list[float]]:
    """How long a recording is by Chromium's own decoder, and the seconds at which tones begin in it."""
    found = page.evaluate(DECODE, b64encode(sound).decode())
    loud = [False, *found["loud"]]
    return found["seconds"], [at / 100 for at, (was, now) in enumerate(pairwise(loud)) if now and not was]


def kill_browser(profile: Path) -> None:
    """SIGKILL to the browser that has the profile `profile`: nothing is tidied up."""
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"--user-data-dir={profile}".encode() in words:
            os.kill(int(process.name), signal.SIGKILL)
