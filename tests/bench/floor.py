"""The least app that carries the workspace: a fragment that draws boards made beforehand, the next at each act."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.frame import page
from pages.parts.instrument import acts_in_hand, instrument


@st.cache_resource
def boards() -> list[dict[str, Any]]:
    """What the app itself showed, as it handed it to the browser."""
    return json.loads(Path(os.environ["TILLER_BENCH_BOARDS"]).read_text(encoding="utf-8"))


def turn() -> None:
    """Go on to the next board."""
    st.session_state.turned = st.session_state.get("turned", 0) + 1


@st.fragment
def floor() -> None:
    """Draw the board that is next; every act in hand stands."""
    made = boards()
    answers = {act["id"]: "" for act in acts_in_hand()}
    instrument(made[st.session_state.get("turned", 0) % len(made)] | {"answers": answers}, on_acts=turn)


with page("stage", "Floor"):
    floor()
