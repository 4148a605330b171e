"""The check of the participant's window: its size and what points at it, against what the script asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.components.v2 import component

from pages.parts.words import say, words_for
from study.setup_events import DeviceChecked

if TYPE_CHECKING:
    from pages.parts.here import Here
    from study.script.setting import Remote

_ASSETS = Path(__file__).parent / "assets"
_HTML, _CSS, _JS = ((_ASSETS / f"device.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
_mount = component("tiller_device", html=_HTML, css=_CSS, js=_JS)
KEY = "device"
LARGEST = 100_000  # CSS pixels; a browser may send anything


def ask_window() -> None:
    """Draw the line that says how large the window is, and have it tell so."""
    data = {"asked": st.session_state.get("asked", 0), "words": words_for("device")}
    _mount(key=KEY, data=data, on_found_change=lambda: None)


def check_of(who: Here) -> DeviceChecked | None:
    """What the window has told of itself, checked; None before it has told anything, or since it was asked again."""
    found = (st.session_state.get(KEY) or {}).get("found")
    if not isinstance(found, dict) or found.get("asked") != st.session_state.get("asked", 0):
        return None
    width, height, ratio = (found.get(name) for name in ("width", "height", "pixel_ratio"))
    if not (isinstance(width, int) and isinstance(height, int) and isinstance(ratio, int | float)):
        return None
    if not (0 < width <= LARGEST and 0 < height <= LARGEST and 0 < ratio <= 100):
        return None
    pointer = found["pointer"] if found.get("pointer") in ("fine", "coarse") else "none"
    remote = _remote(who)
    passed = remote is None or (_is_large(remote, width, height) and _points(remote, pointer))
    return DeviceChecked(passed=passed, width=width, height=height, pixel_ratio=float(ratio), pointer=pointer)


def trouble_in(who: Here, check: DeviceChecked) -> tuple[str, str]:
    """What is wrong with a window that did not pass, and what to do about it: a title and a sentence."""
    remote = _remote(who)
    if remote is None or _is_large(remote, check.width, check.height):
        return say("device.title_touch"), say("device.touch")
    wide, high = remote.min_viewport
    text = say("device.small", width=check.width, height=check.height, wide=wide, high=high)
    return say("device.title_small"), text


def _remote(who: Here) -> Remote | None:
    return who.rig.script.modes.remote if who.place.mode == "remote" else None


def _is_large(remote: Remote, width: int, height: int) -> bool:
    return width >= remote.min_viewport[0] and height >= remote.min_viewport[1]


def _points(remote: Remote, pointer: str) -> bool:
    return pointer == "fine" or (pointer == "coarse" and "touch" in remote.devices)
