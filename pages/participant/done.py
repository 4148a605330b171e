"""Done: how it ended, what was recorded, and the code that says so, once the record does."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.ending import code_of, completed_in_words, ended_in_words
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.words import say
from study.session import Step

who = arrive(Step.DONE)


def afresh() -> None:
    """Forget this window's session; the record keeps it."""
    st.session_state.pop("newcomer", None)
    st.query_params.clear()


with page("sheet", say("done.window"), who):
    outcome = who.place.outcome or "no_consent"
    st.title(say(f"done.ended.{outcome}"))
    if outcome == "completed":
        st.markdown(who.rig.script.debrief)
    else:
        ended_in_words(who, outcome)
    coded = code_of(who)
    if outcome == "completed":
        completed_in_words(who)
    remote = who.rig.script.modes.remote
    if not coded and remote is not None and remote.open:  # elsewhere the bare address lets nobody in
        press(say("done.afresh"), afresh, key="afresh")
