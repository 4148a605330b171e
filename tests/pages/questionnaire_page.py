"""One questionnaire on a page of its own, for a browser: which one and in what language stand in the address."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import streamlit as st

from pages.parts.calm import press
from pages.parts.frame import page
from pages.parts.here import Here
from pages.parts.questionnaire import questionnaire
from study.database import connect
from study.instruments import load_instrument
from study.log import EventLog
from study.script import load_script
from study.session import session_in
from study.session_events import SessionStarted
from study.task_events import PageLeft


@st.cache_resource
def log() -> EventLog:
    return EventLog(connect(os.environ["TILLER_DATABASE_URL"]))


script = load_script(Path(os.environ["TILLER_STUDY"]))
asked = st.query_params
id, session = asked["i"], asked.get("s", "s1")
started = SessionStarted(study="tiny", study_version="1.0.0", script_sha256="0" * 64, participant="P01")
log().append(session, started, key="start")
records = log().read(session)
rig: Any = SimpleNamespace(log=log(), script=script)
who = Here(rig, "token", session, records, session_in(records, script, session_id=session))
pasted = Path(os.environ["TILLER_STUDY"]).with_name(f"{id}.txt")
instrument = load_instrument(
    id, pasted if pasted.exists() else None, language=asked.get("l", "en"), tool_name=asked.get("t")
)
task = asked.get("task")


def submit() -> None:
    filled = given()
    if not filled.missing:
        who.note(*filled.events, PageLeft(page=f"end/{id}"), key=f"left/end/{id}")


with page("sheet", "Answer"):
    if any(isinstance(record.event, PageLeft) for record in records):
        st.title("Handed in")
    else:
        st.title(instrument.title)
        st.markdown(instrument.instruction)
        given = questionnaire(who, instrument, task=task, key=f"end/{id}")
        press("Hand in", submit, key="submit", primary=True)
