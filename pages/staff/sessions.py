"""Sessions: every session of a study that this member of staff may see."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import page
from pages.parts.staff import admit_staff
from study.staff import Role

insider = admit_staff(*Role)
with page("sheet", "Sessions"):
    st.title("Sessions")
    sessions = insider.rig.log.sessions(study=insider.staff.study)
    st.caption(f"{len(sessions)} sessions, signed in as {insider.staff.name}, {insider.staff.role}.")
