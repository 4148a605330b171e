"""Exports: a study's record handed on in twelve formats, made by the server and fetched as one zip."""

from __future__ import annotations

import streamlit as st

from pages.parts.exports import ended, listed, order, progress
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.staff import Role

insider = admit_staff(Role.RESEARCHER)
study = study_picked(insider)
shelf = insider.rig.shelf


def under_way() -> bool:
    return shelf.run is not None and shelf.run.state == "running"


@st.fragment(run_every=0.5 if under_way() else None)
def watched() -> None:
    run = shelf.run
    if run is None:
        return
    if run.state == "running":
        st.session_state.watching = run.name
        progress(insider, run)
    elif st.session_state.pop("watching", None) is not None:
        st.rerun()  # what was made is to be listed
    else:
        ended(insider, run)


with staff_page(insider, "Exports"):
    st.title("Exports")
    if study is None:
        st.info("There is no study to export yet.", icon=None)
        st.stop()
    order(insider, study)
    watched()
    st.subheader("On this server")
    listed(insider, study)
