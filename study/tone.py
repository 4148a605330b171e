"""A voice for rehearsals: a tone as a WAV file, kept piece by piece as a browser sends it."""

from __future__ import annotations

import math
import struct
import wave
from io import BytesIO

from study.log import EventLog
from study.media import stop_media, store_chunk
from study.state import digest

RATE = 8000  # samples per second
PIECES, PIECE_MS = 4, 250.0


def tone() -> bytes:
    """A second of 220 Hz, mono, 16 bit."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        count = round(RATE * PIECES * PIECE_MS / 1000)
        samples = (round(8000 * math.sin(2 * math.pi * 220 * at / RATE)) for at in range(count))
        sound.writeframes(b"".join(struct.pack("<h", one) for one in samples))
    return file.getvalue()


def pieces() -> tuple[bytes, ...]:
    """The tone cut into pieces that put end to end are the file."""
    whole = tone()
    size = math.ceil(len(whole) / PIECES)
    return tuple(whole[at : at + size] for at in range(0, len(whole), size))


def speak(log: EventLog, session_id: str, task: str) -> None:
    """Record the tone during a task; done again after an interruption, it adds what is missing and nothing else."""
    media = digest(f"{session_id}/{task}")[:16]
    for number, data in enumerate(pieces()):
        begins = number * PIECE_MS
        store_chunk(log, session_id, media, number, data, form="wav", start_ms=begins, length_ms=PIECE_MS)
    stop_media(log, session_id, media, chunks=PIECES, length_ms=PIECES * PIECE_MS)
