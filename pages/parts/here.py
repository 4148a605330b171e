"""Where a participant is: the link's token opens a session, the log says its step, and every page sends on to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from pages.parts.gate import admitted, refuse_another_study
from pages.parts.rig import Rig, rig
from pages.parts.words import speak
from study.events import Event
from study.participants import find
from study.records import Record
from study.session import Session, Step, ended, session_in
from study.session_events import SessionCompleted, SessionStarted
from study.task_events import PageLeft

_FOLDER = Path(__file__).parents[1] / "participant"
PAGES = {step: f"participant/{step.value}.py" for step in Step if (_FOLDER / f"{step.value}.py").is_file()}


@dataclass(frozen=True)
class Here:
    """One participant on one page, as the log has it at this run."""

    rig: Rig
    token: str
    session_id: str
    records: tuple[Record, ...]
    place: Session
    window: str | None = None  # the tab's own name; None until it has told it

    def now(self) -> Here:
        """The same participant after whatever has been written since."""
        return replace(_read(self.rig, self.token, self.session_id), window=self.window)

    def go_on(self, *happened: Event, key: str) -> None:
        """Write what takes the participant on to the next stop, with the end of the session if this is the last."""
        self.note(*ended(self.records, self.rig.script, *happened), key=key)

    def leave(self, *happened: Event) -> None:
        """Write `happened` and that the present stop is left, once."""
        stop = self.place.stop
        if stop is not None:
            self.go_on(*happened, PageLeft(page=stop.id), key=f"left/{stop.id}")

    def note(self, *happened: Event, key: str) -> None:
        """Write something that this page has brought about; `key` makes a second drawing of the page write nothing."""
        page = self.place.step
        self.rig.log.append(self.session_id, *happened, key=key, page=page, actor="participant", window=self.window)


def visitor() -> Here | None:
    """Whoever the link in the address bar belongs to, or None."""
    link = st.query_params.get("s", "")
    found = find(rig().log, link)
    return None if found is None else _read(rig(), link, found[0])


def arrive(step: Step) -> Here:
    """The participant, if this page is the step they are on; any other visitor is sent to where they belong."""
    who = visitor()
    if who is None:
        st.switch_page(PAGES[Step.WELCOME], query_params=st.query_params.to_dict())
    who = admitted(who)
    if who.place.ending and not who.place.finished:
        who.note(SessionCompleted(outcome=who.place.ending), key="end")
        who = who.now()
    if who.place.step is not step:
        go(who)
    return who


def go(who: Here) -> None:
    """On to the page of the step that the log says."""
    st.switch_page(PAGES[who.place.step], query_params={"s": who.token})


def _read(here: Rig, token: str, session_id: str) -> Here:
    records = here.log.read(session_id)
    started = records[0].event if records else None
    language = started.language if isinstance(started, SessionStarted) else ""
    refuse_another_study(started, here.script)
    script = here.script.in_language(language) if language else here.script
    speak(script.language)
    place = session_in(records, script, session_id=session_id)
    return Here(here.under(script), token, session_id, records, place)
