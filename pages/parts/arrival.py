"""The way in: what the address in the bar lets a visitor do on the welcome page, and the beginning itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.parts.here import visitor
from pages.parts.rig import Rig, rig
from pages.parts.words import say
from study.assignment import start_session
from study.identity import Admission
from study.participants import admit
from study.platform_ids import PlatformIds, platform_ids_in
from study.recruitment import Link, Refusal, find_link, known_by, take_place
from study.session import Step

LINK = "r"  # the parameter of a recruitment link's address
_REFUSED = {Refusal.FULL: "welcome.link_full", Refusal.CLOSED: "welcome.link_closed"}


@dataclass(frozen=True)
class Arrival:
    """What a visitor of the welcome page may do: `begin` is None where nobody can, and `said` then says why.

    `begin` takes the language of the texts; "" is the script's first.
    """

    begin: Callable[[str], None] | None = None
    said: str = ""


def arrival() -> Arrival:
    """Where the visitor stands who came to the welcome page; whoever was here before is taken to their own session."""
    here, token = rig(), st.query_params.get(LINK, "")
    link = find_link(here.log, token, here.script.study.id) if token else None
    if link is None:
        strange = bool(token) or ("s" in st.query_params and visitor() is None)
        return _open_to_all(here, say("welcome.no_session") if strange else "")
    ids = platform_ids_in(st.query_params.to_dict(), here.script, here.study_key)
    known = known_by(here.log, link, token, ids)
    if known is not None and known.begun:
        st.query_params.from_dict({"s": known.token})
        st.rerun()
    if known is None and here.script.study.stage == "closed":
        return Arrival(said=say("welcome.study_closed"))
    if known is None and link.refusal is not None:
        return Arrival(said=say(_REFUSED[link.refusal]))
    return _by_link(here, link, token, ids)


def _open_to_all(here: Rig, strange: str) -> Arrival:
    remote = here.script.modes.remote
    if remote is None or not remote.open or here.script.study.stage == "closed":
        return Arrival(said=strange or say("welcome.by_invitation"))

    def begin(language: str) -> None:
        _enter(here, _newcomer(lambda: (admit(here.log, here.script.study.id), "remote")), language)

    return Arrival(begin, f"{strange} {say('welcome.start_new')}" if strange else "")


def _by_link(here: Rig, link: Link, token: str, ids: PlatformIds) -> Arrival:
    refused = st.session_state.pop("refused", None)  # somebody else took the last place since this page was drawn
    if refused is not None:
        return Arrival(said=say(_REFUSED[refused]))

    def begin(language: str) -> None:
        _enter(here, _newcomer(lambda: take_place(here.log, token, link.study, ids)), language)

    return Arrival(begin)


def _newcomer(take: Callable[[], tuple[Admission, str] | Refusal]) -> tuple[Admission, str] | Refusal:
    """The place that this window has taken, one however often the button is pressed."""
    held: tuple[Admission, str] | Refusal | None = st.session_state.get("newcomer")
    if held is None:
        held = take()
        if not isinstance(held, Refusal):
            st.session_state.newcomer = held
    return held


def _enter(here: Rig, place: tuple[Admission, str] | Refusal, language: str) -> None:
    if isinstance(place, Refusal):
        st.session_state.refused = place
        return
    admission, mode = place
    if not here.log.read(admission.session_id):
        start_session(
            here.log,
            here.script,
            admission.session_id,
            admission.pseudonym,
            mode=mode,
            language=language,
            page=Step.WELCOME,
        )
    st.session_state.present = admission.session_id
    # the recruiter's ids leave the address bar with this, and stand in no link that is copied from it
    st.query_params.from_dict({"s": admission.token})
