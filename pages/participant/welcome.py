"""Welcome: what this is in three sentences, and one click into the demo."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import calmly
from pages.parts.frame import page
from pages.parts.here import go, visitor
from pages.parts.rig import rig
from study.events import SessionStarted
from study.participants import admit
from study.session import Step

here, who = rig(), visitor()
if who is not None and who.place.step is not Step.WELCOME:
    go(who)


@calmly
def begin() -> None:
    """Admit a newcomer once for this window, however often the button is pressed."""
    if "newcomer" not in st.session_state:
        st.session_state.newcomer = admit(here.log, here.script.study.id)
    newcomer = st.session_state.newcomer
    here.log.append(
        newcomer.session_id,
        SessionStarted(
            study=here.script.study.id,
            study_version=here.script.study.version,
            script_sha256=here.script.sha256,
            participant=newcomer.pseudonym,
        ),
        key="start",
        page=Step.WELCOME,
    )
    st.session_state.present = newcomer.session_id
    st.query_params["s"] = newcomer.token


with page("sheet", "Welcome"):
    st.title(here.script.study.title)
    st.markdown(here.script.welcome)
    many = len(here.script.tasks)
    st.button(
        f"Start with the first of {many} pictures" if many > 1 else "Start", key="begin", type="primary", on_click=begin
    )
    st.caption("No sign-up, nothing to install. You can stop at any time, and the link brings you back to the same step.")
    if "s" in st.query_params and who is None:
        st.info("The link in your address bar opens no session here. You can start a new one.", icon=None)
