"""The microphone check: say a sentence, hear it, go on; what is said here stays in the browser."""

from __future__ import annotations

import math

import streamlit as st
from streamlit.components.v2 import component

from pages.parts.calm import calmly
from pages.parts.here import Here
from pages.parts.recorder import joined
from pages.parts.words import words_for
from study.consent import given
from study.session_events import ConsentScopeChanged
from study.setup_events import MicChecked

KEY = "mic"
_mount = component(
    "tiller_mic",
    html=joined("mic.html"),
    css=joined("mic.css"),
    js=joined("dom.js", "levels.js", "microphone.js", "hearing.js", "mic.js"),
)


def mic_check(who: Here) -> None:
    """Draw the check; what the participant confirms is written, and the stop is left.

    Who does not allow their voice to be recorded has nothing to check and leaves at once.
    """
    if not given(who.records, "audio"):
        who.leave()
        st.rerun()
    optional = any(scope.key == "audio" and not scope.required for scope in who.rig.script.consent.scopes)

    @calmly
    def passed() -> None:
        told = (st.session_state.get(KEY) or {}).get("passed")
        if isinstance(told, dict):
            level, length = _number(told.get("level_dbfs")), _number(told.get("length_ms"))
            who.leave(MicChecked(passed=True, level_dbfs=level, length_ms=length or 0.0))

    @calmly
    def without() -> None:
        if optional and (st.session_state.get(KEY) or {}).get("without"):
            digest = who.rig.script.consent_sha256
            no_voice = ConsentScopeChanged(scope="audio", text_sha256=digest, given=False)
            who.leave(MicChecked(passed=False), no_voice)

    words = words_for("mic")
    st.title(words["title"])
    st.markdown(words["lead"])
    aloud = who.rig.script.think_aloud
    if aloud is not None and aloud.warmup:
        st.markdown(who.rig.script.text(aloud.warmup))
    data = {"words": words, "optional": optional}
    _mount(key=KEY, data=data, on_passed_change=passed, on_without_change=without)


def _number(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) and math.isfinite(told) else None
