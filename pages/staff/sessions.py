"""Sessions: every session of a study that this member of staff may see, and the way into each."""

from __future__ import annotations

import streamlit as st

from core.types import many
from pages.parts.nobody import nobody_yet
from pages.parts.sittings import checked, listed
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.roster import roster
from study.staff import Role

PAGE = 100

insider = admit_staff(*Role)
study = study_picked(insider)
with staff_page(insider, "Sessions"):
    st.title("Sessions")
    every = () if study is None else roster(insider.rig.log, study)
    data = tuple(entry for entry in every if entry.mode not in ("bot", "preview"))
    others = len(every) - len(data)
    with st.container(horizontal=True, vertical_alignment="center"):
        no_data = f", and {many(others, 'session')} of bots and previews, which are no data" if others else ""
        st.caption(f"{many(len(data), 'session')} of participants{no_data}.", width="content")
        shown = every if st.toggle("Show bots and previews", key="all-modes", disabled=not others) else data
    if not shown:
        nobody_yet(insider, study, others)
        st.stop()
    page = st.pagination(-(-len(shown) // PAGE), key="page") if len(shown) > PAGE else 1
    here = shown[(page - 1) * PAGE : page * PAGE]
    chains = checked(insider.rig, here)
    listed(insider, here, chains)
    if len(chains) < len(here) and st.button(f"Check the {many(len(here) - len(chains), 'chain')} left", key="check"):
        checked(insider.rig, here, within_s=float("inf"))
        st.rerun()
