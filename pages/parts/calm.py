"""What goes wrong is one calm sentence with a number for the participant, and a traceback for the server's log."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import ParamSpec

import streamlit as st

from core.types import TillerError
from pages.parts.frame import page
from pages.parts.rig import NotReady, installed
from pages.parts.words import say
from study.log import LeaseLost
from study.session_events import SystemErrored

P = ParamSpec("P")
_log = logging.getLogger("tiller")
_SLOT = "tiller_trouble"
_PRESSES = "tiller_presses"
_FORGOTTEN_S = 5.0  # a press that no run has come to by then was about another screen


def new_reference() -> str:
    """A number that a participant can read out: six hexadecimal digits."""
    return secrets.token_hex(3).upper()


def told(error: BaseException, reference: str, where: str) -> str:
    """Write the traceback to the server's log under `reference`, and return that number."""
    _log.error("%s: trouble %s", where, reference, exc_info=error)
    session_id, here = st.session_state.get("present"), installed()
    if session_id and here is not None:
        happened = SystemErrored(reference=reference, where=where, error=type(error).__name__)
        with suppress(TillerError):  # the record may be the very thing in trouble, or closed for this session
            here.log.append(session_id, happened, key=f"error/{reference}", actor="system")
    return reference


def calmly(callback: Callable[P, None]) -> Callable[P, None]:
    """Guard a callback: Streamlit runs it before the page, outside of every `try` a page could have."""

    @functools.wraps(callback)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except LeaseLost:
            return  # the next run of the page says that the session is open in another window
        except Exception as error:
            st.session_state[_SLOT] = told(error, new_reference(), getattr(callback, "__name__", "callback"))

    return guarded


def press(label: str, do: Callable[[], None], *, key: str, primary: bool = False) -> None:
    """Draw a button that calls `do` and then draws the page anew, or another one if the step has changed.

    The callback only remembers the press, for a run that a newer message cuts short before the button or within `do`,
    which any look at the session state allows (that the callback is called, `keep_presses` sees to). `do` is no
    callback: under a page that was open before the server was restarted, the first one is never called.
    """
    presses: dict[str, float] = st.session_state.setdefault(_PRESSES, {})  # a plain one: no run is cut short at it

    def remember() -> None:
        presses[key] = monotonic()

    if st.button(label, key=key, type="primary" if primary else "secondary", on_click=remember):
        remember()
    if monotonic() - presses.get(key, float("-inf")) < _FORGOTTEN_S:
        calmly(do)()
        presses.pop(key)
        st.rerun()


def apologise(error: BaseException | None = None) -> None:
    """Say on the page what `error`, or a guarded callback before this run, has left to say."""
    if isinstance(error, NotReady):
        _not_ready(error)
        return
    reference = told(error, new_reference(), "page") if error else st.session_state.pop(_SLOT, None)
    if reference is None:
        return
    st.warning(say("trouble.sentence", number=reference), icon=None)
    if error:
        st.button(say("trouble.again"), key="try-again")


def _not_ready(error: NotReady) -> None:
    # The reason names folders of the server, so only who sits at it reads it here; the server's output has it too.
    own = st.context.headers.get("host", "").rsplit(":", 1)[0] in {"localhost", "127.0.0.1", "[::1]"}
    with page("sheet", say("welcome.window")):
        st.title("Tiller cannot start yet")
        st.markdown(
            str(error) if own else "Something it needs is missing; whoever runs it finds the reason in its output."
        )
        st.caption("Mend it, start the server again and reload this page.")
