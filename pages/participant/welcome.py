"""Welcome: what this is in three sentences, and one click into the study."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.parts.arrival import arrival
from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import go, visitor
from pages.parts.opened import open_picture
from pages.parts.rig import rig
from pages.parts.sheets import picture_beside
from study.session import Step

here, who = rig(), visitor()
if who is not None and who.place.step is not Step.WELCOME:
    go(who)
way = arrival()

with page("sheet", "Welcome"):
    first = open_picture(here, next(iter(here.script.tasks.values())))
    with picture_beside(first):
        st.title(here.script.study.title)
        st.markdown(here.script.welcome)
        if way.begin is not None:
            press("Start with this picture", partial(way.begin, ""), key="begin", primary=True)
            st.caption(
                "Nothing to install, no sign-up. Stop whenever you like: the link brings you back to the same step."
            )
        if way.said:
            st.info(way.said, icon=None)
