"""What stands between a link and its page: another tab that has the session, a limit that has passed, a withdrawal."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.overtime import close_what_is_over
from pages.parts.pulse import heard
from pages.parts.words import say, speak
from study.leases import QUIET_S, Lease, lease_of, take
from study.limits import is_past_window
from study.session_events import SessionResumed, SessionStarted, SessionTimedOut, SessionWithdrawn

if TYPE_CHECKING:
    from pages.parts.here import Here
    from study.events import Event
    from study.script import StudyScript
    from study.script.setting import Remote

_WINDOW = re.compile(r"[A-Za-z0-9.-]{8,80}")
_SEATED, _PRESENT = "seated", "present"


def admitted(who: Here) -> Here:
    """The participant, once nothing stands in the way; what does is drawn instead, and the run ends there."""
    who = _named(who)
    if not who.place.finished:
        who = _open(_seated(who))
    return _withdrawn(who)


def refuse_another_study(started: Event | None, script: StudyScript) -> None:
    """Say that a link is of another study than the one that runs here, whose pictures and tasks are not its own."""
    if not isinstance(started, SessionStarted) or started.study == script.study.id:
        return
    speak(started.language or script.language)
    with page("sheet", say("gate.another")):
        st.title(say("gate.another"))
        st.markdown(say("gate.another_text", study=started.study))
    st.stop()


def _named(who: Here) -> Here:
    """With the window's own name, which its bar has told; it outlives the page in this window's state."""
    told = heard().get("window")
    if isinstance(told, str) and _WINDOW.fullmatch(told):
        st.session_state.window = told
    return replace(who, window=st.session_state.get("window"))


def _seated(who: Here) -> Here:
    """In the seat that one window has at a time."""
    log, now = who.rig.log, who.rig.log.now()
    stands = lease_of(log, who.session_id)
    if who.window is None:
        if stands is not None and stands.is_held(now, None):
            _wait(who)
        return who
    if stands is not None and stands.is_held(now, who.window):
        lost = st.session_state.get(_SEATED) == who.session_id
        if lost or _refused(who):
            _elsewhere(who, stands, lost=lost)
    if stands is None or stands.holder != who.window:
        take(log, who.session_id, who.window)
        who = who.now()
    st.session_state[_SEATED] = who.session_id
    return who


def _open(who: Here) -> Here:
    """Within the limits of the script; the link that is opened anew is written once."""
    log, remote = who.rig.log, _remote(who)
    if is_past_window(who.records, remote, log.now()):
        if remote is not None and remote.after_window == "ask":
            with page("sheet", say("gate.past"), who):
                st.title(say("gate.past"))
                st.markdown(say("gate.past_ask", contact=who.rig.script.study.contact))
            st.stop()
        gap_s = _gap_s(who)
        ended = SessionTimedOut(limit="resume_window_hours", gap_s=gap_s)
        log.append(who.session_id, ended, key="past the window", actor="system")
        return who.now()
    if st.session_state.get(_PRESENT) != who.session_id:
        st.session_state[_PRESENT] = who.session_id
        if who.records:
            who.note(SessionResumed(gap_s=_gap_s(who)), key=f"resumed/{uuid4()}")
            who = who.now()
    if close_what_is_over(who.rig, who.session_id, who.records, who.place):
        return who.now()
    return who


def _withdrawn(who: Here) -> Here:
    """No longer there, if this window's bar says that its participant withdraws."""
    told = heard().get("withdraw")
    if not isinstance(told, dict) or who.place.outcome not in ("", "completed"):
        return who
    who.note(SessionWithdrawn(erase=bool(told.get("erase"))), key="withdrawn")
    return who.now()


def _wait(who: Here) -> None:
    """Until the window has told its name, which takes a moment; only what takes longer is worth a word."""
    with page("sheet", say("gate.opening"), who):
        st.html(f'<p class="tiller-waiting">{say("gate.opening_text")}</p>')
    st.stop()


def _elsewhere(who: Here, stands: Lease, *, lost: bool) -> None:
    quiet = stands.quiet_s(who.rig.log.now()) >= QUIET_S
    with page("sheet", say("gate.elsewhere"), who, away=True):
        st.title(say("gate.elsewhere"))
        st.markdown(say("gate.went_on" if lost else "gate.is_quiet" if quiet else "gate.is_open"))
        if lost or quiet:
            sit_here = partial(take, who.rig.log, who.session_id, str(who.window))
            press(say("gate.use_this"), sit_here, key="use-this", primary=True)
    st.stop()


def _refused(who: Here) -> bool:
    remote = _remote(who)
    return remote is not None and remote.second_tab == "refuse"


def _remote(who: Here) -> Remote | None:
    return who.rig.script.modes.remote if who.place.mode == "remote" else None


def _gap_s(who: Here) -> float:
    return (who.rig.log.now().utc_ns - who.records[-1].utc_ns) / 1e9
