"""The recorder: a light on the pages of the tasks, and behind it the participant's voice on its way to the log."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from streamlit.components.v2 import component

from pages.parts.words import words_for
from study.hearing import Voice, standing_in, standing_of
from study.prompts import shortest_silence_s

if TYPE_CHECKING:
    from pages.parts.here import Here

_ASSETS = Path(__file__).parent / "assets"
KEY = "recorder"


def joined(*names: str) -> str:
    """Plain files as one module: a blob module in the browser could not import its neighbours."""
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


_mount = component(
    "tiller_recorder",
    html=joined("recorder.html"),
    css=joined("recorder.css"),
    js=joined("dom.js", "clocks.js", "shelf.js", "levels.js", "microphone.js", "courier.js", "recorder.js", "light.js"),
)


def record(who: Here, *, away: bool = False, on_silence: Callable[[], None] | None = None) -> None:
    """Keep the participant's voice from this page on, or stop keeping it; nothing where none is to be heard.

    Args:
        who: the participant on this page.
        away: another window has the session, and this one must not listen any more.
        on_silence: runs when nobody has spoken for as long as a prompt of the script waits, before the page is drawn
            again; the row `silence.detected` is written by then.
    """
    if not heard(who):
        return
    stands = standing_of(who.rig.log, who.session_id, who.records)
    _mount(
        key=KEY,
        data={
            "voice": stands.voice,
            "turn": stands.turn,
            "away": away,
            "token": who.token,
            # the browser's own database is shared by all who sit at it, and must tell them apart without their links
            "owner": sha256(who.token.encode()).hexdigest()[:16],
            "silence_s": shortest_silence_s(who.rig.script),
            "words": {"off": "", **words_for("light")},
        },
        on_silence_change=on_silence or (lambda: None),
    )


def heard(who: Here) -> bool:
    """Whether this participant's voice is recorded, or was until now."""
    aloud = who.rig.script.think_aloud
    if who.place.mode == "bot" or aloud is None or not aloud.audio:
        return False
    stands = standing_in(who.records)
    return stands.voice is not Voice.REFUSED or stands.turn > 0
