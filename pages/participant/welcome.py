"""Welcome: what this is in three sentences, in the language of choice, and one click to begin."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.parts.arrival import arrival
from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import go, visitor
from pages.parts.languages import language_chosen
from pages.parts.opened import open_picture
from pages.parts.rig import rig
from pages.parts.sheets import picture_beside
from pages.parts.words import say
from study.session import Step

here, who = rig(), visitor()
if who is not None and who.place.step is not Step.WELCOME:
    go(who)
script = here.script.in_language(language_chosen(here.script))
way = arrival()

with page("sheet", say("welcome.window")):
    first = open_picture(here, next(iter(here.script.tasks.values())))
    with picture_beside(first):
        st.title(script.study.title)
        st.markdown(script.welcome)
        if way.begin is not None:
            language = script.language if len(script.study.languages) > 1 else ""
            first_words = "welcome.begin_plain" if script.sequence else "welcome.begin"
            press(say(first_words), partial(way.begin, language), key="begin", primary=True)
            st.caption(say("welcome.note"))
        if way.said:
            st.info(way.said, icon=None)
