"""Tutorial: the real workspace on a picture for practice, with one thing to try at a time until each was used."""

from __future__ import annotations

import streamlit as st

from pages.parts.acts import settle
from pages.parts.board import board
from pages.parts.calm import calmly
from pages.parts.frame import page
from pages.parts.guide import guide
from pages.parts.here import arrive
from pages.parts.instrument import acts_in_hand, instrument
from pages.parts.opened import bench_of, open_picture, seen_under, viewed
from pages.parts.words import say
from study.decisions import opening
from study.history import history_in
from study.session import Step

who = arrive(Step.TUTORIAL)
key, attempt, stop = str(who.place.task), who.place.attempt, who.place.stop
opened = open_picture(who.rig, who.rig.script.tasks[key])
labels, condition = opened.seen.clean.labels, stop.condition if stop else ""
begun = opening(bench_of(who.rig, who.place), image=opened.picture, labels=labels, condition=condition, practice=True)
who.note(*begun, viewed(opened, key, attempt), key=f"practise/{key}/{attempt}")


@calmly
def take() -> None:
    """Do what the browser has handed over, before anything is drawn."""
    settle(who.rig, who.session_id, acts_in_hand(), who.window)


@st.fragment
def workspace() -> None:
    """Draw what the log says now; the only part of the page that an act runs again."""
    answers = settle(who.rig, who.session_id, acts_in_hand(), who.window)
    now = who.now()
    if now.place.step is not Step.TUTORIAL or now.place.task != key:
        st.rerun(scope="app")
    history = history_in(now.records, key)
    seen = seen_under(now.rig, opened, history.plan)
    data = board(now, opened, history, seen) | guide(now)
    instrument(data | {"answers": answers}, on_acts=take)


with page("stage", say("tutorial.window"), who):
    workspace()
