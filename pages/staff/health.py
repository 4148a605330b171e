"""Health: what each dictionary of the running bundle can be trusted with, measured beside what was published."""

from __future__ import annotations

import streamlit as st

from pages.parts.health import drawn, ended, offered, progress
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page
from study.staff import Role

insider = admit_staff(Role.RESEARCHER)
examiner = insider.rig.examiner


def under_way() -> bool:
    return examiner.run is not None and examiner.run.state == "running"


@st.fragment(run_every=0.5 if under_way() else None)
def watched() -> None:
    run = examiner.run
    if run is None:
        return
    if run.state == "running":
        st.session_state.examining = True
        progress(insider, run)
    elif st.session_state.pop("examining", None) is not None:
        st.rerun()  # what was measured is to be shown
    else:
        ended(run)


with staff_page(insider, "Health"):
    st.title("Health")
    offered(insider)
    watched()
    drawn(insider)
