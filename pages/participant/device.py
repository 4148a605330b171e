"""Device: whether picture and numbers fit on this window, and whether something points finely enough."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.device import ask_window, check_of, trouble_in
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.words import say
from study.session import Step
from study.session_events import SessionRejected

who = arrive(Step.DEVICE)
check = check_of(who)
if check is not None and check.passed:
    who.leave(check)
    st.rerun()


def again() -> None:
    """Ask the window for its size once more."""
    st.session_state.asked = st.session_state.get("asked", 0) + 1


def give_up() -> None:
    """End here, for there is nothing else to take part with."""
    if check is not None:
        who.note(check, SessionRejected(outcome="screened_out"), key="screened out")


with page("sheet", say("device.window"), who):
    title, text = (say("device.title"), say("device.checking")) if check is None else trouble_in(who, check)
    st.title(title)
    st.markdown(text)
    ask_window()
    if check is not None:
        with st.container(horizontal=True):
            press(say("device.again"), again, key="again", primary=True)
            press(say("device.none"), give_up, key="none")
