"""Overview: what the model goes by for a class, and in its failures, over all reference pictures."""

from __future__ import annotations

import streamlit as st

from pages.parts.errands import watch_examiner
from pages.parts.overview import drawn, offered, report
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page
from study.staff import Role

insider = admit_staff(Role.RESEARCHER)

with staff_page(insider, "Overview"):
    st.title("Overview")
    account = offered(insider)
    watch_examiner(insider, insider.rig.surveyor)
    if account is not None:
        drawn(insider, account)
        report(account)
