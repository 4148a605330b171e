"""The workspace: see what pushed the model, move it, and watch the answer; every step is written before it is shown."""

from __future__ import annotations

import streamlit as st

from pages.parts.acts import settle
from pages.parts.board import board
from pages.parts.calm import calmly
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.instrument import acts_in_hand, instrument
from pages.parts.opened import open_picture, seen_under, viewed
from pages.parts.prompts import wait_ms
from pages.parts.words import say
from study.history import history_in
from study.session import Step

who = arrive(Step.WORKSPACE)
key = str(who.place.task)
opened = open_picture(who.rig, who.rig.script.tasks[key])
who.note(viewed(opened, key, who.place.attempt), key=f"viewed/{key}/{who.place.attempt}")


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
    if now.place.step is not Step.WORKSPACE or now.place.task != key:
        st.rerun(scope="app")
    history = history_in(now.records, key)
    seen = seen_under(now.rig, opened, history.plan)
    instrument(board(now, opened, history, seen) | {"answers": answers, "tick_ms": wait_ms(now)}, on_acts=take)


with page("stage", say("workspace.window"), who):
    workspace()
