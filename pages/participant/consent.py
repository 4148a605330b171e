"""Consent: what is kept, and one answer for each thing asked for."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.words import say
from study.session import Step
from study.session_events import ConsentGiven, ConsentRefused, ConsentShown, SessionCompleted

who = arrive(Step.CONSENT)
consent, digest = who.rig.script.consent, who.rig.script.consent_sha256
who.note(ConsentShown(text_sha256=digest, scopes=tuple(scope.key for scope in consent.scopes)), key="consent/shown")


def agree() -> None:
    """Write one answer per scope; a required one is given by this button itself."""
    given = [scope.required or bool(st.session_state.get(f"scope-{scope.key}")) for scope in consent.scopes]
    answers = [
        (ConsentGiven if yes else ConsentRefused)(scope=scope.key, text_sha256=digest)
        for scope, yes in zip(consent.scopes, given, strict=True)
    ]
    who.note(*answers, key="consent")


def decline() -> None:
    """Write that nothing is allowed, which ends the session."""
    refused = [ConsentRefused(scope=scope.key, text_sha256=digest) for scope in consent.scopes]
    who.note(*refused, SessionCompleted(outcome="no_consent"), key="consent")


with page("sheet", say("consent.window"), who):
    st.markdown(who.rig.script.consent_text)
    with st.container(border=True):
        for scope in consent.scopes:
            if scope.required:
                # no box: one that cannot be unticked is no choice, and consent is given by the button alone
                st.markdown(f"✓ {scope.label} *{say('consent.required')}*")
            else:
                st.checkbox(f"{scope.label} *{say('consent.optional')}*", key=f"scope-{scope.key}")
    with st.container(horizontal=True):
        press(say("consent.agree"), agree, key="agree", primary=True)
        press(say("consent.decline"), decline, key="decline")
