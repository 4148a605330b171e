"""The recorder: a light on every page of a participant who is heard, and behind it the voice on its way to the log."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from streamlit.components.v2 import component

from pages.parts.here import Here
from study.voice import Voice, standing_in

_ASSETS = Path(__file__).parent / "assets"
KEY = "recorder"
WORDS = {
    "off": "",
    "on": "Recording",
    "asking": "Allow the microphone to begin",
    "muted": "Not recording: microphone muted",
    "deaf": "Recording, but nothing is heard: is the microphone muted?",
    "held": "Reconnecting, {n} s held here",
    "paused": "Not recording: paused",
    "elsewhere": "Not recording: open in another window",
    "denied": "Not recording: the browser does not allow the microphone",
    "absent": "Not recording: no microphone is found",
    "failed": "Not recording: the microphone cannot be used",
    "retry": "Try again",
}


def joined(*names: str) -> str:
    """Plain files as one module: a blob module in the browser could not import its neighbours."""
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


_mount = component(
    "tiller_recorder",
    html=joined("recorder.html"),
    css=joined("recorder.css"),
    js=joined("dom.js", "clocks.js", "shelf.js", "levels.js", "recorder.js"),
)


def record(who: Here, *, silence_s: float | None = None, on_silence: Callable[[], None] | None = None) -> None:
    """Keep the participant's voice from this page on, or stop keeping it; nothing where none is to be heard.

    Args:
        who: the participant on this page.
        silence_s: after how long without speech a `silence.detected` is written and the page is drawn again.
        on_silence: runs before that drawing.
    """
    if not heard(who):
        return
    stands = standing_in(who.records)
    _mount(
        key=KEY,
        data={
            "voice": stands.voice,
            "turn": stands.turn,
            "token": who.token,
            # the browser's own database is shared by all who sit at it, and must tell them apart without their links
            "owner": sha256(who.token.encode()).hexdigest()[:16],
            "silence_s": silence_s,
            "words": WORDS,
        },
        on_silence_change=on_silence or (lambda: None),
    )


def heard(who: Here) -> bool:
    """Whether this participant's voice is asked for at all, and was allowed at some time."""
    if who.place.mode == "bot":
        return False
    stands = standing_in(who.records)
    return stands.voice is not Voice.REFUSED or stands.turn > 0
