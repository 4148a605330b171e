"""Study: how a study stands: who takes part, by which links, in which conditions, under which script."""

from __future__ import annotations

import streamlit as st

from pages.parts.nobody import no_study
from pages.parts.recruiting import links_view
from pages.parts.staff import admit_staff
from pages.parts.staff_frame import staff_page, study_picked
from pages.parts.study_design import design_view
from pages.parts.study_people import people_view
from study.staff import Role

VIEWS = {"people": "Participants", "links": "Links", "design": "Script and balance"}
DRAWN = {"people": people_view, "links": links_view, "design": design_view}

insider = admit_staff(Role.RESEARCHER, Role.MODERATOR, Role.OBSERVER)
study = study_picked(insider)
wanted = st.query_params.get("view", "people")
view = wanted if wanted in VIEWS else "people"


def turn() -> None:
    st.query_params["view"] = st.session_state["study-view"] or view


with staff_page(insider, "Study"):
    with st.container(key="study-head", horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Study", width="content")
        st.session_state["study-view"] = view
        st.segmented_control(
            "View",
            list(VIEWS),
            format_func=lambda key: VIEWS[key],
            key="study-view",
            on_change=turn,
            label_visibility="collapsed",
            width="content",
        )
    if study is None:
        no_study(insider)
    else:
        DRAWN[view](insider, study)
