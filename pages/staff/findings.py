"""Findings: the questions of the paper asked of one study's record, with a mark for each participant."""

from __future__ import annotations

import streamlit as st

from pages.parts.findings import draw, gathered, key_to, replay_of
from pages.parts.held_out import measured, waiting
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from study.exports import NOT_DATA
from study.findings import Findings, findings_of
from study.markdown import who_took_part
from study.staff import Role

insider = admit_staff(Role.RESEARCHER, Role.MODERATOR, Role.OBSERVER)
study = study_picked(insider)
with staff_page(insider, "Findings"):
    st.title("Findings")
    bots = st.toggle("Count simulated participants too", key="bots")
    without = [mode for mode in NOT_DATA if not (bots and mode == "bot")]
    sessions = [] if study is None else gathered(insider.rig, study, without=without)
    people = [one for one in sessions if one is not None]
    if not any(one.took_part for one in people):
        st.info("Nobody has begun a task of this study yet, so there is nothing to count.", icon=None)
        st.stop()
    link, late = replay_of(insider), waiting(insider.rig, people)
    said, bar, sheet = st.empty(), st.empty(), st.empty()

    def show(found: Findings, key: str = "findings") -> None:
        said.caption(f"{who_took_part(found.plain())} {key_to(found)}")
        with sheet.container():
            draw(found, link, key=key)

    def run(done: int, of: int) -> None:
        if late:
            bar.progress(done / of, f"Running the plans on held-out pictures: {done} of {of}")

    if late:  # show what needs no model before it is asked
        show(findings_of(sessions, dict.fromkeys(late, "the plans are being run")), key="findings-before")
    held_out = measured(insider.rig, people, run)
    bar.empty()
    show(findings_of(sessions, held_out))
