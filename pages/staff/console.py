"""Console: a moderated session while it runs, and what a moderator does in it."""

from __future__ import annotations

import streamlit as st

from pages.parts.console import console
from pages.parts.nobody import nothing_runs
from pages.parts.running import session_picked
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.staff import Role

insider = admit_staff(Role.RESEARCHER, Role.MODERATOR, Role.OBSERVER)
study = study_picked(insider)
with staff_page(insider, "Console"):
    with st.container(key="console-head", horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Console", width="content")
        session = None if study is None else session_picked(insider, study)
    if session is None:
        nothing_runs(insider, study)
    else:
        console(session)
