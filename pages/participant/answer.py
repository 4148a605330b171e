"""Answer: what the participant thinks the cause is, and how sure they are, on a scale without a preset mark."""

from __future__ import annotations

from uuid import uuid4

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.opened import bench_of, open_picture, seen_under
from pages.parts.questions import answers_given, ask
from pages.parts.sheets import eyebrow, picture_beside, plan_in_words
from study.acts import Turn
from study.interventions import perform
from study.session import Step, history_in
from study.task_events import TaskSubmitted

who = arrive(Step.ANSWER)
key, attempt = str(who.place.task), who.place.attempt
opened = open_picture(who.rig, who.rig.script.tasks[key])
plan = history_in(who.records, key).plan
now = seen_under(who.rig, opened, plan).prediction


def submit() -> None:
    """Hand in all answers together, or say what is missing."""
    given, missing = answers_given(who)
    st.session_state.missing = missing
    if missing:
        return
    who.go_on(*given, TaskSubmitted(task=key, attempt=attempt), key=f"submit/{key}/{attempt}")


def back() -> None:
    """Return to the workspace, where everything stands as it was."""
    perform(
        who.rig.log, who.session_id, Turn(id=str(uuid4()), task=key, kind="workspace"), bench_of(who.rig, who.place)
    )


with page("sheet", "Answer"), picture_beside(opened, now if plan else None):
    eyebrow(f"Picture {who.place.order} of {who.place.tasks}")
    st.title("What went wrong?")
    plan_in_words(opened, plan, now)
    ask(who)
    if missing := st.session_state.pop("missing", ()):
        st.warning(f"Still open: {' '.join(missing)}", icon=None)
    with st.container(horizontal=True):
        press("Hand in", submit, key="submit", primary=True)
        press("Back to the workspace", back, key="back")
