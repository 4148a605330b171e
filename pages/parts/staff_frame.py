"""The frame of the staff pages: the rooms open to this role, the study looked at, who is signed in and the way out."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.frame import window
from pages.parts.staff import Insider, rooms_of
from study.staff import Staff

_STYLE = f"<style>{(Path(__file__).parent / 'assets' / 'desk.css').read_text(encoding='utf-8')}</style>"
_PICKER = "study-picker"


def staff_page(insider: Insider, title: str) -> DeltaGenerator:
    """Set the window up, draw the bar on top and give the container to draw the page in.

    `title` is the room's own; the way to another room keeps the study that is looked at.
    """
    window(title)
    st.html(_STYLE)
    study = study_picked(insider)
    with st.container(key="desk-bar", horizontal=True, vertical_alignment="center", gap="small"):
        st.html('<b class="desk-mark">Tiller</b>', width="content")
        with st.container(key="desk-rooms", horizontal=True, gap="small"):
            for room in rooms_of(insider.staff):
                if room.title == title:
                    st.html(f'<span class="desk-here" aria-current="page">{escape(title)}</span>', width="content")
                else:
                    st.page_link(room.path, label=room.title, query_params=None if study is None else {"study": study})
        _picker(insider, study)
        st.html(
            f'<span class="desk-who">{escape(_who(insider.staff))}</span>'
            '<a class="desk-out" href="./api/leave" target="_self">Sign out</a>',
            width="content",
        )
    room = st.container(key="desk")
    if said := _another(insider, study):
        room.html(f'<p class="desk-said" role="status">{escape(said)}</p>')
    return room


def _who(staff: Staff) -> str:
    """Name and role; one word where they are the same, as for whoever signs in by the passphrase."""
    same = staff.name.casefold() == staff.role.value.casefold()
    return staff.name if same else f"{staff.name}, {staff.role}"


def _another(insider: Insider, study: str | None) -> str:
    """What to say where the address asks for a study that is not there for them, and another is shown."""
    wanted = st.query_params.get("study")
    if wanted is None or study is None or wanted == study:
        return ""
    known = ", ".join(f"“{one}”" for one in studies_of(insider))
    return (
        f"The address asks for the study “{wanted[:60]}”, which is not among those that you may see ({known}); "
        f"this is “{study}”."
    )


def study_picked(insider: Insider) -> str | None:
    """The study that the address names, if it is one of those that this member of staff may see; else their first.

    None where there is no study at all that they may see.
    """
    known = studies_of(insider)
    wanted = st.query_params.get("study")
    own = insider.rig.script.study.id
    return wanted if wanted in known else own if own in known else next(iter(known), None)


def studies_of(insider: Insider) -> tuple[str, ...]:
    """The studies that have rows, and the one that runs now, as far as this member of staff may see them."""
    every = {*insider.rig.log.studies(), insider.rig.script.study.id}
    return tuple(study for study in sorted(every) if insider.staff.may_see(study))


def _picker(insider: Insider, study: str | None) -> None:
    known = studies_of(insider)
    if study is None or len(known) < 2:
        return

    def turn() -> None:
        st.query_params.from_dict({"study": st.session_state[_PICKER]})

    st.session_state[_PICKER] = study
    st.selectbox("Study", known, key=_PICKER, on_change=turn, label_visibility="collapsed", width=220)
