"""What every page shares: the window's title, the measure of the column, and the bar that says how far it is."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.pulse import pulse
from pages.parts.recorder import record
from pages.parts.words import say
from study.hearing import is_heard

if TYPE_CHECKING:
    from pages.parts.here import Here

_ASSETS = Path(__file__).parent / "assets"
# Written into the page: named icons are fetched from another machine, and files are dropped while still asked for.
_ICON = "data:image/png;base64," + b64encode((_ASSETS / "icon.png").read_bytes()).decode()
_STYLE = (_ASSETS / "sheet.css").read_text(encoding="utf-8")


def page(kind: Literal["stage", "sheet"], title: str, who: Here | None = None, *, away: bool = False) -> DeltaGenerator:
    """Set the window up and give the container to draw in.

    A stage is the whole width for the instrument, a sheet is one column to read. With `who` the page has a
    participant: how far they are, what a moderator does, and the way to stop; `away` where another window has it.
    """
    window(title)
    if who is not None:
        with st.container(key=f"pulse-{kind}"):
            pulse(who, kind, away=away)
            if _spoken(who):
                record(who, away=away)
    room = st.container(key=kind)
    if kind == "sheet" and who is None:
        room.html('<div class="tiller-top"><b>Tiller</b></div>')
    return room


def _spoken(who: Here) -> bool:
    """Whether the page has the recorder: one of a session that is over has it still, which sends what it holds."""
    return who.place.stop is None or is_heard(who.place)


def window(title: str) -> None:
    """Name the browser's window and give it the style of every page."""
    st.set_page_config(page_title=f"{title} · Tiller", page_icon=_ICON, layout="wide")
    away = say("frame.away").replace("\\", "").replace('"', "'")
    st.html(f'<style>:root {{ --tiller-away: "{away}"; }}\n{_STYLE}</style>')
