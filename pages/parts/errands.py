"""An errand in the server's background as staff watch it: how far it has come, a way to stop it, and its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from pages.parts.staff import Insider, while_let_in
from study.errand import Errand, Runner
from study.examinations import Examination, Examiner

Run = TypeVar("Run", bound=Errand)


def is_busy(runner: Runner[Run]) -> bool:
    """Whether an errand is under way."""
    return runner.run is not None and runner.run.state == "running"


def watch(runner: Runner[Run], under_way: Callable[[Run], None], ended: Callable[[Run], None]) -> None:
    """Draw what is under way and look again, twice a second, until it has ended; then the whole page once."""
    key = f"watching-{runner.what}"

    @st.fragment(run_every=0.5 if is_busy(runner) else None)
    def watched() -> None:
        run = runner.run
        if run is None:
            return
        if run.state == "running":
            st.session_state[key] = True
            under_way(run)
        elif st.session_state.pop(key, None) is not None:
            st.rerun()  # what has been made is to be shown
        else:
            ended(run)

    watched()


def bar(insider: Insider, runner: Runner[Run], share: float, doing: str) -> None:
    """How far the errand has come, and the way to stop it."""
    stopping = runner.run is not None and runner.run.stopping
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, "stopping" if stopping else doing)
        st.button("Stop", key="stop", on_click=while_let_in(insider)(runner.stop), disabled=stopping)


def watch_examiner(insider: Insider, examiner: Examiner) -> None:
    """The same of an examination of dictionaries."""
    kind = examiner.kind

    def under_way(run: Examination) -> None:
        doing = f"{run.dictionaries[run.at]}, step {max(1, run.begun)} of {kind.stages}: {run.stage or 'beginning'}"
        if run.steps > 1:
            doing += f", {run.done:,} of {run.steps:,}"
        bar(insider, examiner, run.share, doing)

    def ended(run: Examination) -> None:
        if run.state == "failed":
            st.error(f"{kind.what} of {run.dictionaries[run.at]} was not made. {run.reason}", icon=None)
        elif run.state == "stopped":
            done = f" after {' and '.join(run.dictionaries[: run.at])}" if run.at else ""
            st.info(f"{kind.what} was stopped{done}; nothing else has changed.", icon=None)

    watch(examiner, under_way, ended)
