"""Questions: a page of the script's own, answered as one."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.questions import Sheet, answers_given, ask, say_what_is_open
from pages.parts.words import say
from study.session import Step

who = arrive(Step.QUESTIONS)
stop = who.place.stop
sheet = Sheet(stop.id, 1, stop.ask) if stop else Sheet("", 1, ())


def submit() -> None:
    """Hand in all answers together, or say what is missing."""
    given, missing = answers_given(who, sheet)
    st.session_state.missing = missing
    if not missing:
        who.leave(*given)


with page("sheet", say("questions.window"), who):
    st.title(stop.title if stop and stop.title else say("questions.window"))
    if stop and stop.text:
        st.markdown(stop.text)
    ask(who, sheet)
    say_what_is_open()
    press(say("text.continue"), submit, key="submit", primary=True)
