"""Replay: any moment of a session as the participant saw it, with what the record says of it."""

from __future__ import annotations

import streamlit as st

from pages.parts.nobody import nobody_yet
from pages.parts.player import play
from pages.parts.sittings import checked, listed
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from pages.parts.tape import study_of
from study.roster import roster
from study.staff import Role

insider = admit_staff(Role.RESEARCHER, Role.MODERATOR, Role.OBSERVER)
rig, picked = insider.rig, study_picked(insider)
wanted, seq = st.query_params.get("session", ""), st.query_params.get("seq", "")
study = study_of(rig, wanted) if wanted else None
with staff_page(insider, "Replay"):
    playing = study is not None and insider.staff.may_see(study)
    with st.container(key="desk-unseen" if playing else "desk-title"):
        st.title("Replay")  # to a reader's eye the bar says it; the room is the tape's
    if playing:
        play(wanted, seq, study)
        st.stop()
    if wanted:
        st.info("The address names no session that you may see. Choose one of these.", icon=None)
    sessions = () if picked is None else roster(rig.log, picked)[:100]
    if sessions:
        listed(insider, sessions, checked(rig, sessions))
    else:
        nobody_yet(insider, picked, 0)
