"""What a staff page says where there is nothing to show yet: what whoever reads it can do about that."""

from __future__ import annotations

import streamlit as st

from pages.parts.staff import Insider
from study.script import StudyScript
from study.staff import Role


def no_study(insider: Insider) -> None:
    """Say why there is no study at all for somebody who was invited to a single one."""
    st.info(
        f"You are invited to the study “{insider.staff.study}”, and nothing of it is here: it does not run in this app "
        "and nobody has taken part. Ask whoever invited you when it begins.",
        icon=None,
    )


def nobody_yet(insider: Insider, study: str | None, others: int) -> None:
    """Say what to do where there is no session to show; `others` are those of bots and previews."""
    if study is None:
        no_study(insider)
    elif others:
        st.info("Nobody has taken part yet but bots and previews; turn the switch above to see those.", icon=None)
    else:
        st.info(f"No session of the study “{study}” is on record. {_next(insider, study)}", icon=None)


def nothing_runs(insider: Insider, study: str | None) -> None:
    """Say how a moderated session comes about."""
    if study is None:
        no_study(insider)
        return
    if insider.staff.role is Role.RESEARCHER:
        how = "Make a link of mode moderated on the page Study and send it to the participant"
    else:
        how = "A researcher of the study makes a link and sends it to the participant"
    st.info(f"No moderated session of “{study}” is running. {how}; it is here as soon as they have begun.", icon=None)


def _next(insider: Insider, study: str) -> str:
    script = insider.rig.script
    if script.study.id != study:
        return f"The app runs the study “{script.study.id}” now, so nobody can begin this one."
    if insider.staff.role is not Role.RESEARCHER:
        return "There is nothing for you to do: whoever takes part is listed here as soon as they have begun."
    way = (
        "Send a participant the address of this app and they begin by themselves"
        if _is_open(script)
        else "Make a link on the page Study and send it to a participant"
    )
    if insider.staff.study is not None:  # invited to this one study, so not the one whose machine this is
        return f"{way}; they are listed here as soon as they have begun."
    return f"{way}; or run `tiller simulate --n 8` for eight simulated participants to look at."


def _is_open(script: StudyScript) -> bool:
    return script.study.stage != "closed" and script.modes.remote is not None and script.modes.remote.open
