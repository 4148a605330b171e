"""Text: something to read between two stops."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.words import say
from study.session import Step

who = arrive(Step.TEXT)

with page("sheet", say("text.window"), who):
    if who.place.stop is not None:
        if who.place.stop.title:
            st.title(who.place.stop.title)
        st.markdown(who.place.stop.text)
    press(say("text.continue"), who.leave, key="continue", primary=True)
