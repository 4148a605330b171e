"""What every page shares: the window's title, the measure of the column, the wordmark and the way so far."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# A file of ours: named icons and emoji are fetched from another machine.
_ICON = Path(__file__).parent / "assets" / "icon.png"
STEPS = ("Welcome", "Consent", "Task", "Workspace", "Answer", "Thanks")

_STYLE = """
<style>
/* Streamlit gives the main block 5rem on each side; an instrument needs that room. */
.stMainBlockContainer:has(.st-key-stage) { padding: 10px clamp(12px, 2vw, 28px) 0; }
.stMainBlockContainer:has(.st-key-sheet) { max-width: 53rem; padding-top: clamp(1.5rem, 6vh, 4rem); }
.tiller-picture { margin: 0; }
.tiller-picture img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px; }
.tiller-picture figcaption { margin-top: 10px; font-size: 14px; font-weight: 600; }
.tiller-counts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 14px; margin: 0; font-size: 14px; }
.tiller-counts dt { text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; min-width: 2em; }
.tiller-counts dd { margin: 0; }
.tiller-top { display: flex; align-items: baseline; gap: 1.4rem; font-size: 13px; margin-bottom: 1.6rem; }
.tiller-top b { font-weight: 700; letter-spacing: -0.01em; font-size: 15px; }
.tiller-top ol { display: flex; gap: 1.1rem; list-style: none; margin: 0 0 0 auto; padding: 0; flex-wrap: wrap; }
.tiller-top li { margin: 0; padding: 0 0 3px; opacity: 0.62; font-size: 12.5px; border-bottom: 2px solid transparent; }
.tiller-top li[aria-current] { opacity: 1; font-weight: 600; border-color: currentColor; }
</style>
"""


def page(kind: Literal["stage", "sheet"], title: str) -> DeltaGenerator:
    """Set the window up and give the container to draw in.

    A stage is the whole width for the instrument, a sheet is one column to read; `title` is one of STEPS.
    """
    st.set_page_config(page_title=f"{title} · Tiller", page_icon=_ICON, layout="wide")
    st.html(_STYLE)
    room = st.container(key=kind)
    if kind == "sheet":
        room.html(_top(title))
    return room


def _top(current: str) -> str:
    here = ' aria-current="step"'
    steps = "".join(f"<li{here if step == current else ''}>{escape(step)}</li>" for step in STEPS)
    return f'<div class="tiller-top"><b>Tiller</b><ol aria-label="Where you are">{steps}</ol></div>'
