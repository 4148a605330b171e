"""The stage: the workspace on one picture, drawn from the log and run again by each act, in a task and in practice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.parts.acts import settle
from pages.parts.board import board
from pages.parts.calm import calmly
from pages.parts.here import Here
from pages.parts.instrument import acts_in_hand, instrument
from pages.parts.opened import Opened, explaining, seen_under
from study.explanations import explanation_in
from study.history import history_in


def stage(who: Here, opened: Opened, besides: Callable[[Here], Mapping[str, Any]]) -> None:
    """Draw the workspace of the present task; `besides` is what this page shows on it beside what every one does."""
    step, key = who.place.step, str(who.place.task)

    @calmly
    def take() -> None:
        """Do what the browser has handed over, before anything is drawn."""
        settle(who.rig, who.session_id, acts_in_hand(), who.window)

    @st.fragment
    def workspace() -> None:
        """Draw what the log says now; the only part of the page that an act runs again."""
        # Settling here too catches acts whose callback a new server never got; ids make the second time free.
        answers = settle(who.rig, who.session_id, acts_in_hand(), who.window)
        now = who.now()
        if now.place.step is not step or now.place.task != key:
            st.rerun(scope="app")
        history = history_in(now.records, key)
        seen = seen_under(now.rig, opened, history.plan)
        explained = explaining(now.rig, opened, explanation_in(now.records, key).pair)
        data = board(now, explained, history, seen) | dict(besides(now))
        instrument(data | {"answers": answers}, on_acts=take)

    workspace()
