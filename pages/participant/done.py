"""Done: thanks, what was recorded, and a fresh start."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.recap import pictures_of, recorded
from study.session import Step

who = arrive(Step.DONE)


def afresh() -> None:
    """Forget this window's session; the record keeps it."""
    st.session_state.pop("newcomer", None)
    st.query_params.clear()


with page("sheet", "Thanks"):
    if who.place.outcome == "completed":
        st.title("That was the last picture")
        st.markdown(who.rig.script.debrief)
        pictures_of(who)
        recorded(who)
    else:
        st.title("Nothing more is recorded")
        st.markdown("You chose not to take part, and that is fine. You can close this window.")
    press("Start afresh", afresh, key="afresh")
