"""The bar of every participant's page: how far they are, that the page is in touch, and the way to stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.components.v2 import component

from pages.parts.words import say, words_for

if TYPE_CHECKING:
    from pages.parts.here import Here

_ASSETS = Path(__file__).parent / "assets"
_HTML, _CSS, _JS = ((_ASSETS / f"pulse.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
_mount = component("tiller_pulse", html=_HTML, css=_CSS, js=_JS)

KEY = "pulse"


def heard() -> Mapping[str, Any]:
    """What this window's bar has said: its `window`, that it was woken, and whether its participant withdraws."""
    return st.session_state.get(KEY) or {}


def pulse(who: Here, kind: str, *, away: bool = False) -> None:
    """Draw the bar and have it ask each second what is new; on a stage the instrument draws what it says."""
    data = bar(who, kind) | {"away": away}
    _mount(key=KEY, data=data, on_window_change=_heard, on_wake_change=_heard, on_withdraw_change=_heard)


def _heard() -> None:
    """What was said is read by the run that follows."""


def bar(who: Here, kind: str) -> dict[str, Any]:
    """What the bar shows, as plain values."""
    place = who.place
    on_the_way = bool(place.stop) and place.at > 0
    return {
        "kind": kind,
        "seq": place.seq,
        "at": place.at if on_the_way else 0,
        "of": place.of if on_the_way else 0,
        "place": progress(who),
        "paused": place.paused,
        "resting": place.finished,
        "window": who.window,
        "can_stop": place.outcome in ("", "completed"),
        "stop": say("pulse.withdraw" if place.finished else "pulse.stop"),
        "words": words_for("pulse"),
    }


def progress(who: Here) -> str:
    """`3 of 12`; empty before the first stop and after the last."""
    place = who.place
    # the replay draws it outside of any page, which alone would know the language
    return say("pulse.place", who.rig.script.language, at=place.at, of=place.of) if place.stop and place.at else ""
