"""What every page shares: the window's title, the measure of the column, the wordmark and the way so far."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_ASSETS = Path(__file__).parent / "assets"
# Written into the page: named icons are fetched from another machine, and files are dropped while still asked for.
_ICON = "data:image/png;base64," + b64encode((_ASSETS / "icon.png").read_bytes()).decode()
_STYLE = f"<style>{(_ASSETS / 'sheet.css').read_text(encoding='utf-8')}</style>"
STEPS = ("Welcome", "Consent", "Task", "Workspace", "Answer", "Thanks")


def page(kind: Literal["stage", "sheet"], title: str) -> DeltaGenerator:
    """Set the window up and give the container to draw in.

    A stage is the whole width for the instrument, a sheet is one column to read; `title` is one of STEPS.
    """
    window(title)
    room = st.container(key=kind)
    if kind == "sheet":
        room.html(_top(title))
    return room


def window(title: str) -> None:
    """Name the browser's window and give it the style of every page."""
    st.set_page_config(page_title=f"{title} · Tiller", page_icon=_ICON, layout="wide")
    st.html(_STYLE)


def _top(current: str) -> str:
    here = ' aria-current="step"'
    steps = "".join(f"<li{here if step == current else ''}>{escape(step)}</li>" for step in STEPS)
    return f'<div class="tiller-top"><b>Tiller</b><ol aria-label="Where you are">{steps}</ol></div>'
