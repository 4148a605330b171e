"""Instrument: one questionnaire on one sheet, about the task just done or about all of it."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.questionnaire import instrument_at, questionnaire, words_in
from pages.parts.words import say
from study.session import Step

who = arrive(Step.INSTRUMENT)
stop, instrument = instrument_at(who)


def submit() -> None:
    """Write every item with the scores and go on, or let the open rows be marked."""
    filled = given()
    if not filled.missing:
        who.leave(*filled.events)


with page("sheet", say("questions.window"), who):
    st.title(instrument.title)
    st.markdown(instrument.instruction)
    given = questionnaire(who, instrument, task=stop.task, key=stop.id, attempt=who.place.attempt)
    press(words_in(instrument.language)["go_on"], submit, key="submit", primary=True)
