"""Welcome: what this is in three sentences, in the language of choice, and one click to begin."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import go, visitor
from pages.parts.languages import language_chosen
from pages.parts.opened import open_picture
from pages.parts.rig import rig
from pages.parts.sheets import picture_beside
from pages.parts.words import say
from study.participants import admit
from study.session import Step
from study.session_events import SessionStarted

here, who = rig(), visitor()
if who is not None and who.place.step is not Step.WELCOME:
    go(who)
script = here.script.in_language(language_chosen(here.script))


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
            language=script.language if len(script.study.languages) > 1 else "",
        ),
        key="start",
        page=Step.WELCOME,
    )
    st.session_state.present = newcomer.session_id
    st.query_params["s"] = newcomer.token


with page("sheet", say("welcome.window")):
    first = open_picture(here, next(iter(here.script.tasks.values())))
    with picture_beside(first):
        st.title(script.study.title)
        st.markdown(script.welcome)
        press(say("welcome.begin_plain" if script.sequence else "welcome.begin"), begin, key="begin", primary=True)
        st.caption(say("welcome.note"))
        if "s" in st.query_params and who is None:
            st.info(say("welcome.no_session"), icon=None)
