"""The sessions that can be moderated now, and the choice of one of them."""

from __future__ import annotations

import streamlit as st

from pages.parts.staff import Insider
from study.roster import Entry, roster

MODES = ("moderated", "preview")  # a preview is a rehearsal
_PICKER = "console-session"


def running(insider: Insider, study: str) -> list[Entry]:
    """The sessions of the study that go on and have somebody at the console, the last begun first."""
    return [one for one in roster(insider.rig.log, study) if one.going_on and not one.erased and one.mode in MODES]


def session_picked(insider: Insider, study: str) -> str | None:
    """Draw the choice; the session that the address names, if it may be seen, else the last begun."""
    wanted = st.query_params.get("session", "")
    every = {one.session: one for one in roster(insider.rig.log, study) if one.mode in MODES and not one.erased}
    open_now = [one.session for one in running(insider, study)]
    known = [*open_now, *([wanted] if wanted in every and wanted not in open_now else [])]
    if not known:
        return None
    chosen = wanted if wanted in known else known[0]

    def turn() -> None:
        st.query_params["session"] = st.session_state[_PICKER]

    st.session_state[_PICKER] = chosen
    st.selectbox(
        "Session",
        known,
        key=_PICKER,
        format_func=lambda session: _named(every[session]),
        on_change=turn,
        label_visibility="collapsed",
        width=320,
    )
    st.button("Look again", key="again", help="A session that has begun since is in the list then.")
    return chosen


def _named(entry: Entry) -> str:
    # how far they are stands in the head of the page and moves; a list that is drawn once would be behind
    ended = "" if entry.going_on else f", ended: {entry.state}"
    return f"{entry.participant}{ended}{', rehearsal' if entry.mode == 'preview' else ''}"
