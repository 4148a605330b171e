"""Where a participant is: the link's token opens a session, the log says its step, and every page sends on to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import streamlit as st

from pages.parts.rig import Rig, rig
from study.events import Event
from study.participants import find
from study.records import Record
from study.session import Session, Step, ended, session_in
from study.session_events import SessionResumed
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

    def now(self) -> Here:
        """The same participant after whatever has been written since."""
        return _read(self.rig, self.token, self.session_id)

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
        self.rig.log.append(self.session_id, *happened, key=key, page=self.place.step, actor="participant")


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
    who = _resumed(who)
    if who.place.step is not step:
        go(who)
    return who


def go(who: Here) -> None:
    """On to the page of the step that the log says."""
    st.switch_page(PAGES[who.place.step], query_params={"s": who.token})


def _read(here: Rig, token: str, session_id: str) -> Here:
    records = here.log.read(session_id)
    place = session_in(records, here.script, session_id=session_id)
    script = here.script.in_language(place.language) if place.language else here.script
    spoken = here if script is here.script else replace(here, script=script)
    return Here(spoken, token, session_id, records, place)


def _resumed(who: Here) -> Here:
    """Once for each time the link is opened anew: that the participant is back, and after how long."""
    if st.session_state.get("present") == who.session_id:
        return who
    st.session_state.present = who.session_id
    if not who.records or who.place.finished:
        return who
    gap_s = (who.rig.log.now().utc_ns - who.records[-1].utc_ns) / 1e9
    who.note(SessionResumed(gap_s=gap_s), key=f"resumed/{uuid4()}")
    return who.now()
