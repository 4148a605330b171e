"""The rooms of the coding page: the ledger of one session, its differences, and the way to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.calm import calmly
from pages.parts.codebook_room import codebook_view
from pages.parts.coding_acts import settle_coding
from pages.parts.coding_board import coding_board, differences_board
from pages.parts.coding_place import CodingPlace, coding_place
from pages.parts.ledger import coding_in_hand, ledger
from pages.parts.second_room import second_view
from pages.parts.staff import Insider, signed_in, while_let_in
from study.codebook import books_of
from study.coding import coded_by, coders_by_session
from study.exports import NOT_DATA
from study.roster import Entry, roster
from study.samples import drawn_for, samples_in
from study.staff import CONSENSUS, Role
from study.streams import stream_of

View = Callable[[Insider, str, DeltaGenerator], None]  # with the row on top, for a picker
_PICKER = "coding-view"
_SESSION = "coding-session"


def view_picked(insider: Insider) -> str:
    """The view that the address names, if this role has it."""
    wanted = st.query_params.get("view", "code")
    return wanted if wanted in _views_of(insider) else "code"


def head(insider: Insider, view: str) -> DeltaGenerator:
    """The page's title and the way between its views; the row they stand in."""

    def turn() -> None:
        wanted = st.session_state[_PICKER] or view
        st.query_params["view"] = wanted

    names = {key: _NAMES[key] for key in _views_of(insider)}
    st.session_state[_PICKER] = view
    row = st.container(key="coding-head", horizontal=True, vertical_alignment="center", gap="medium")
    with row:
        st.title("Coding", width="content")
        st.segmented_control(
            "View",
            list(names),
            format_func=lambda key: names[key],
            key=_PICKER,
            on_change=turn,
            label_visibility="collapsed",
            width="content",
        )
        st.space("stretch")
    return row


def code_view(insider: Insider, study: str, row: DeltaGenerator) -> None:
    """Code one session."""
    sessions = [entry for entry in reversed(roster(insider.rig.log, study)) if not entry.erased]
    if not sessions:
        st.info("Nobody has taken part in this study yet: there is nothing to code.", icon=None)
        return
    states = _states(insider, study, sessions)
    session = _picked(row, sessions, states, first=("yours, blind", "begun", "", "finished"))
    _ledger(insider, study, session, lambda place: coding_board(place, unit=st.query_params.get("unit")))


def differences_view(insider: Insider, study: str, row: DeltaGenerator) -> None:
    """Decide what two coders gave differently."""
    finished = _finished_by_two(insider, study)
    sessions = [entry for entry in reversed(roster(insider.rig.log, study)) if entry.session in finished]
    if not sessions:
        st.info(
            "Two coders have to finish the same session before their differences can be talked over; "
            "you see those of sessions that you have finished as well, or not coded at all as a researcher.",
            icon=None,
        )
        return
    session = _picked(row, sessions, dict.fromkeys(finished, ""), first=("",))
    _ledger(insider, study, session, lambda place: differences_board(place, unit=st.query_params.get("unit")))


VIEWS: dict[str, View] = {
    "code": code_view,
    "differences": differences_view,
    "codebook": codebook_view,
    "second": second_view,
}
_NAMES = {"code": "Code", "differences": "Differences", "codebook": "Codebook", "second": "Second coding"}


def _views_of(insider: Insider) -> tuple[str, ...]:
    return tuple(key for key in VIEWS if key != "second" or insider.staff.role is Role.RESEARCHER)


def _ledger(insider: Insider, study: str, session: str, board: Callable[[CodingPlace], dict[str, Any] | None]) -> None:
    @calmly
    @while_let_in(insider)
    def take() -> None:
        settle_coding(insider, study, coding_in_hand())

    @st.fragment
    def drawn() -> None:
        if signed_in() != insider.staff:  # revoked, or signed out in another window
            st.rerun(scope="app")
        # Settling here too catches acts whose callback a new server never got; ids make the second time free.
        answers = settle_coding(insider, study, coding_in_hand())
        place = coding_place(insider, study, session)
        shown = None if place is None else board(place)
        if shown is None:
            st.rerun(scope="app")
        ledger(shown | {"answers": answers}, on_acts=take)

    drawn()


def _picked(row: DeltaGenerator, sessions: Sequence[Entry], states: dict[str, str], *, first: Sequence[str]) -> str:
    """The session that is looked at: the one in the address, or the first in the state that comes first."""
    known = [entry.session for entry in sessions]
    wanted = st.query_params.get("session")
    if wanted not in known:
        if wanted is not None:
            st.warning("The address names no session that can be coded here; this is another one.", icon=None)
        people = {entry.session for entry in sessions if entry.mode not in NOT_DATA}
        wanted = min(known, key=lambda one: (one not in people, first.index(states[one]), known.index(one)))
        st.query_params["session"] = wanted  # so that a reload comes back to it

    def turn() -> None:
        st.query_params["session"] = st.session_state[_SESSION]
        st.query_params.pop("unit", None)

    names = {entry.session: _name(entry, states[entry.session]) for entry in sessions}
    st.session_state[_SESSION] = wanted
    row.selectbox(
        "Session",
        known,
        format_func=lambda one: names[one],
        key=_SESSION,
        on_change=turn,
        label_visibility="collapsed",
        width=320,
    )
    return str(wanted)


def _name(entry: Entry, state: str) -> str:
    begun = datetime.fromtimestamp(entry.started_ns / 1e9, UTC).strftime("%Y-%m-%d")
    mode = f", {entry.mode}" if entry.mode in ("bot", "preview") else ""
    return f"{entry.participant or entry.session[:8]}{mode} · {begun}{f' · {state}' if state else ''}"


def _states(insider: Insider, study: str, sessions: Sequence[Entry]) -> dict[str, str]:
    """How far this coder has come with each session."""
    log, me = insider.rig.log, insider.staff.name
    books = books_of(log, study)
    samples = samples_in(log.read(stream_of("codebook", study)))
    begun = {session for session, coders in coders_by_session(log).items() if me in coders}
    found: dict[str, str] = {}
    for entry in sessions:
        locked = entry.session in begun and coded_by(log, entry.session, me, books, books[-1].version).locked
        blind = drawn_for(samples, entry.session, me) is not None
        state = "finished" if locked else "yours, blind" if blind else "begun" if entry.session in begun else ""
        found[entry.session] = state
    return found


def _finished_by_two(insider: Insider, study: str) -> set[str]:
    """Sessions that two coders have finished whose codes this person may see."""
    several = [
        session for session, coders in coders_by_session(insider.rig.log).items() if len({*coders} - {CONSENSUS}) > 1
    ]
    places = [place for session in several if (place := coding_place(insider, study, session)) is not None]
    return {place.session for place in places if len([name for name in place.finished if name != CONSENSUS]) > 1}
