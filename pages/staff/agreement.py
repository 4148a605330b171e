"""Agreement: how far coders agree, per layer and per code, with intervals, and the units that they differ on."""

from __future__ import annotations

import streamlit as st

from pages.parts.agreement_room import choice, differing, figures, kept
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.staff import Role

insider = admit_staff(Role.RESEARCHER)
study = study_picked(insider)
with staff_page(insider, "Agreement"):
    st.title("Agreement")
    found = None if study is None else choice(insider, study)
    if study is not None and found is not None:
        figures(insider, study, found)
        kept(insider, study, found)
        differing(insider, study, found)
