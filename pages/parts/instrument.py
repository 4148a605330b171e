"""The workspace is one element on the page, so that a rerun sends one message and nothing jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = (
    *("dom", "terms", "outbox", "rows", "picture", "predictions", "dial", "hand", "components", "card", "plan"),
    *("claim", "search", "pair", "waterfall", "aftermath", "ripple", "guide", "prompt", "expect", "bench"),
)


def _joined(*names: str) -> str:
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


# The parts are plain files read as one module: a blob module in the browser could not import its neighbours.
BENCH_HTML = _joined("frame.html")
BENCH_CSS = _joined(
    *("ink.css", "look.css", "portrait.css", "search.css", "hand.css", "waterfall.css", "ripple.css", "terms.css"),
    *("talk.css", "narrow.css"),
)
BENCH_JS = _joined(*(f"{name}.js" for name in _SCRIPTS))
_mount = component("tiller_workspace", html=BENCH_HTML, css=BENCH_CSS, js=f"{BENCH_JS}\n{_joined('workspace.js')}")

KEY = "workspace"


def acts_in_hand() -> Sequence[Mapping[str, Any]]:
    """The acts the browser says are not acknowledged yet, oldest first; empty before its first word."""
    held = st.session_state.get(KEY)
    return tuple((held or {}).get("acts") or ())


def instrument(data: Mapping[str, Any], *, on_acts: Callable[[], None]) -> None:
    """Draw the workspace from `data`; `on_acts` runs before the page whenever the browser hands over acts."""
    _mount(key=KEY, data=dict(data), on_acts_change=on_acts)
