"""Text: something to read between two stops."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from study.session import Step

who = arrive(Step.TEXT)

with page("sheet", "Task"):
    if who.place.stop is not None:
        if who.place.stop.title:
            st.title(who.place.stop.title)
        st.markdown(who.place.stop.text)
    press("Continue", who.leave, key="continue", primary=True)
