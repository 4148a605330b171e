"""The language of a newcomer: the one they choose, else the browser's, else the script's first."""

from __future__ import annotations

import streamlit as st

from pages.parts.words import say, speak
from study.script import StudyScript

_SLOT = "chosen-language"


def language_chosen(script: StudyScript) -> str:
    """Draw the choice where a script speaks several languages; the page's words are said in what it gives."""
    known = script.study.languages
    browser = (st.context.locale or "").lower()[:2]
    chosen = st.session_state.get(_SLOT) or (browser if browser in known else known[0])
    speak(chosen)
    if len(known) > 1:
        with st.container(key="languages", horizontal=True, horizontal_alignment="right"):
            for one in known:
                here = one == chosen
                st.button(
                    say("language", one),
                    key=f"language-{one}",
                    type="tertiary",
                    disabled=here,
                    on_click=st.session_state.update,
                    args=({_SLOT: one},),
                )
    return chosen
