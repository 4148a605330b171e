"""What can be done about one participant: let in again, reject, erase; each with what it needs said first."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from core.types import TillerError
from pages.parts.calm import calmly
from pages.parts.staff import Insider, while_let_in
from pages.parts.tape import script_for
from study.erasure import Receipt, erase
from study.monitor import standing_of
from study.roster import Entry
from study.session_events import SessionRejected, SessionResumed
from study.staff import Role

_TOLD = "study-told"


def acts_on(insider: Insider, study: str, entries: Sequence[Entry]) -> None:
    """Choose a participant and act; observers and moderators see no acts at all."""
    if insider.staff.role is not Role.RESEARCHER:
        return
    by_session = {one.session: one for one in entries}
    st.subheader("One participant")
    with st.container(key="one-participant", horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Participant",
            [one.session for one in entries],
            format_func=lambda session: _named(by_session[session]),
            key="one",
            width=300,
        )
        entry = by_session[chosen]
        if entry.going_on:
            _let_in(insider, entry)
            _reject(insider, entry)
        if not entry.erased:
            _erase(insider, entry)
        query = urlencode({"study": study})
        st.html(f'<a class="kept-get" href="./exports?{query}">Exports of this study</a>', width="content")
    told = st.session_state.pop(_TOLD, None)
    if told is not None:
        st.info(told, icon=None)


def _let_in(insider: Insider, entry: Entry) -> None:
    records = insider.rig.log.read(entry.session)
    script = script_for(insider.rig, records)
    if script is None or not standing_of(insider.rig.log, entry, script).waits:
        return

    @calmly
    @while_let_in(insider)
    def let_in() -> None:
        gap_s = (insider.rig.log.now().utc_ns - entry.ended_ns) / 1e9
        resumed = SessionResumed(gap_s=gap_s)
        _written(insider, entry, resumed, f"let-in/{entry.rows}", f"{entry.participant} can go on where they were.")

    st.button("Let in again", key="let-in", on_click=let_in)


def _reject(insider: Insider, entry: Entry) -> None:
    with st.popover("Reject", key="ask-reject"):
        st.write("The session is closed and cannot be taken up again; its rows stay, and its place is free again.")
        st.text_input("Reason, which is kept", key="reject-reason", max_chars=500)

        @calmly
        @while_let_in(insider)
        def reject() -> None:
            reason = str(st.session_state.get("reject-reason", "")).strip()
            if not reason:
                st.session_state[_TOLD] = "A rejection needs a reason; nothing was done."
                return
            rejected = SessionRejected(reason=reason)
            _written(insider, entry, rejected, f"rejected/{entry.rows}", f"{entry.participant} is rejected.")

        st.button("Reject this session", key="reject", on_click=reject)


def _written(insider: Insider, entry: Entry, event: SessionRejected | SessionResumed, key: str, told: str) -> None:
    try:
        insider.rig.log.append(entry.session, event, key=key, actor="researcher")
    except TillerError as error:
        told = str(error)
    st.session_state[_TOLD] = told


def _erase(insider: Insider, entry: Entry) -> None:
    with st.popover("Erase", key="ask-erase"):
        st.write(
            f"Every word, id and number of {entry.participant} goes from the record, with recordings, codes and the "
            "exports on this server that have them. When things were done stays. It cannot be undone."
        )
        st.text_input(f"Type {entry.participant} to confirm", key="erase-typed", autocomplete="off")

        @calmly
        @while_let_in(insider)
        def take_away() -> None:
            if str(st.session_state.get("erase-typed", "")).strip() != entry.participant:
                st.session_state[_TOLD] = f"Type {entry.participant} to erase this session; nothing was done."
                return
            st.session_state[_TOLD] = _receipt(entry, erase(insider.rig.log, entry.session))

        st.button("Erase this participant's session", key="erase", on_click=take_away)


def _receipt(entry: Entry, receipt: Receipt) -> str:
    left = "nothing of them was found" if receipt.clean else f"{receipt.found} were found still"
    again = "" if receipt.settled else " Somebody was reading meanwhile: erase once more."
    return (
        f"{entry.participant} is erased: {receipt.payloads} payloads, {receipt.media} recordings, {receipt.exports} "
        f"exports. {receipt.sought} pieces of their words were then searched for in {', '.join(receipt.searched)}: "
        f"{left}. Backups and files handed on keep what they have.{again}"
    )


def _named(entry: Entry) -> str:
    state = "in progress" if entry.going_on else entry.state
    return f"{entry.participant or entry.session[:8]}, {state}{', erased' if entry.erased else ''}"
