"""Answer: what the participant thinks the cause is, and how sure they are, on a scale without a preset mark."""

from __future__ import annotations

from uuid import uuid4

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.names import named
from pages.parts.opened import bench_of, open_picture, seen_under
from pages.parts.questions import Sheet, answers_given, ask, say_what_is_open
from pages.parts.sheets import eyebrow, picture_beside, plan_in_words
from pages.parts.words import say
from study.acts import Turn
from study.history import history_in
from study.interventions import perform
from study.script.part import STEERING
from study.session import Step
from study.task_events import TaskSubmitted

who = arrive(Step.ANSWER)
key, attempt = str(who.place.task), who.place.attempt
task = who.rig.script.tasks[key]
opened = named(who.rig, who.records, open_picture(who.rig, task))
plan = history_in(who.records, key).plan
now = seen_under(who.rig, opened, plan).prediction
sheet = Sheet(key, attempt, task.answers)


def submit() -> None:
    """Hand in all answers together, or say what is missing."""
    given, missing = answers_given(who, sheet)
    st.session_state.missing = missing
    if not missing:
        who.go_on(*given, TaskSubmitted(task=key, attempt=attempt), key=f"submit/{key}/{attempt}")


def back() -> None:
    """Return to the workspace, where everything stands as it was."""
    turn = Turn(id=str(uuid4()), task=key, kind="workspace")
    perform(who.rig.log, who.session_id, turn, bench_of(who.rig, who.place), window=who.window)


with page("sheet", say("answer.window"), who), picture_beside(opened, now if plan else None):
    eyebrow(say("task.place", order=who.place.order, tasks=who.place.tasks))
    st.title(say("answer.title"))
    if STEERING & set(who.place.tools):
        plan_in_words(opened, plan, now)
    ask(who, sheet)
    say_what_is_open()
    with st.container(horizontal=True):
        press(say("answer.submit"), submit, key="submit", primary=True)
        press(say("answer.back"), back, key="back")
