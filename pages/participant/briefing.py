"""Briefing: the failing picture, what the model says of it, what to do, and the tools in plain words."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.opened import bench_of, open_picture
from pages.parts.sheets import eyebrow, picture_beside, tools_in_words, what_came_before
from pages.parts.words import say
from study.decisions import opening
from study.session import Step

who = arrive(Step.BRIEFING)
key = str(who.place.task)
task = who.rig.script.tasks[key]
opened = open_picture(who.rig, task)


def start() -> None:
    """Begin the attempt: started, picture shown, and what the model says of it untouched."""
    bench, stop = bench_of(who.rig, who.place), who.place.stop
    labels, condition = opened.seen.clean.labels, stop.condition if stop else ""
    happened = opening(bench, image=opened.picture, labels=labels, order=who.place.order, condition=condition)
    who.note(*happened, key=f"open/{key}/{who.place.attempt}")


with page("sheet", say("task.window"), who):
    what_came_before(who.records)
    with picture_beside(opened):
        eyebrow(say("task.place", order=who.place.order, tasks=who.place.tasks))
        title = "task.title_open" if opened.hidden else "task.title"
        st.title(say(title, truth=opened.truth, target=opened.target))
        st.markdown(task.goal)
        press(say("task.begin"), start, key="start", primary=True)
        if who.rig.script.aloud:
            st.caption(f"**{say('task.aloud')}** {who.rig.script.aloud}")
    if who.place.order == 1:
        tools_in_words(opened, who.place.tools)
