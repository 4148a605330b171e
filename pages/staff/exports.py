"""Exports: a study's record handed on in twelve formats, made by the server and fetched as one zip."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.parts.errands import watch
from pages.parts.exports import ended, listed, order, progress
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.staff import Role

insider = admit_staff(Role.RESEARCHER)
study = study_picked(insider)

with staff_page(insider, "Exports"):
    st.title("Exports")
    if study is None:
        st.info("There is no study to export yet.", icon=None)
        st.stop()
    order(insider, study)
    watch(insider.rig.shelf, partial(progress, insider), partial(ended, insider))
    st.subheader("On this server")
    listed(insider, study)
