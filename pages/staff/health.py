"""Health: what each dictionary of the running bundle can be trusted with, measured beside what was published."""

from __future__ import annotations

import streamlit as st

from pages.parts.errands import watch_examiner
from pages.parts.health import drawn, offered
from pages.parts.naming import naming
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page
from study.staff import Role

insider = admit_staff(Role.RESEARCHER)

with staff_page(insider, "Health"):
    st.title("Health")
    offered(insider)
    watch_examiner(insider, insider.rig.examiner)
    drawn(insider)
    naming(insider)
