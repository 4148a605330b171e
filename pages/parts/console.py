"""The moderator's console as one element on the page; it asks the server for what is new five times a second."""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

_ASSETS = Path(__file__).parent / "assets"


def _read(*names: str) -> str:
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


_mount = component(
    "tiller_console",
    html=_read("console.html"),
    css=f"{_read('ink.css')}\n{_read('console.css')}",
    js=_read("dom.js", "console_view.js", "console.js"),
)


def console(session: str) -> None:
    """Draw the console of one session."""
    _mount(key="console", data={"session": session})
