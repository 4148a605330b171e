"""Coding: codes given by hand to a session's units, the codebook, blind second coding, differences to talk over."""

from __future__ import annotations

import streamlit as st

from pages.parts.coding_room import VIEWS, head, view_picked
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.staff import Role

insider = admit_staff(Role.RESEARCHER, Role.CODER)
study = study_picked(insider)
with staff_page(insider, "Coding"):
    if study is None:
        st.title("Coding")
        st.info("There is no study yet that you may see; ask whoever invited you.", icon=None)
        st.stop()
    view = view_picked(insider)
    VIEWS[view](insider, study, head(insider, view))
