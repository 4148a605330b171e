"""The ledger, in which units are coded: one element on the page, so that a key answers at once and nothing jumps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("dom", "outbox", "standing", "keyboard", "units", "palette", "ledger")


def _joined(*names: str) -> str:
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


_mount = component(
    "tiller_ledger",
    html=_joined("ledger.html"),
    css=_joined("ink.css", "ledger.css"),
    js=_joined(*(f"{name}.js" for name in _SCRIPTS)),
)

KEY = "ledger"


_STILL = ("units", "book")  # what no act changes


def coding_in_hand() -> Sequence[Mapping[str, Any]]:
    """The acts the browser says are not acknowledged yet, oldest first; empty before its first word."""
    return tuple(_sent().get("acts") or ())


def ledger(data: Mapping[str, Any], *, on_acts: Callable[[], None]) -> None:
    """Draw the ledger from `data`; `on_acts` runs before the page whenever the browser hands over acts.

    Units and codebook travel once: with its acts the browser names those it has, by their digest.
    """
    still = sha256(json.dumps([data[name] for name in _STILL]).encode()).hexdigest()
    there = _STILL if _sent().get("holds") == still else ()
    sent = {name: value for name, value in data.items() if name not in there}
    _mount(key=KEY, data={**sent, "still": still}, on_sent_change=on_acts)


def _sent() -> Mapping[str, Any]:
    return (st.session_state.get(KEY) or {}).get("sent") or {}
