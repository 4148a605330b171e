"""A press reaches its callback, even where the same page sends something else a moment later."""

from __future__ import annotations

from functools import wraps
from typing import Any

from streamlit.runtime.state.safe_session_state import SafeSessionState


def keep_presses() -> None:
    """Let no newer message cut a run short before its callbacks have been called; call once, before anybody comes.

    Streamlit 1.67 looks for newer messages once more after it has taken a run's widget values, and again wherever a
    callback touches the session state. A message that comes in these few milliseconds ends the run, and its own
    values hold no press: the browser sends each press once. A page that tells its window's name does just that.
    """
    handed_over = SafeSessionState.on_script_will_rerun

    @wraps(handed_over)
    def whole(self: SafeSessionState, *values: Any, **more: Any) -> None:
        look = self._yield_callback
        object.__setattr__(self, "_yield_callback", lambda: None)
        try:
            handed_over(self, *values, **more)
        finally:
            object.__setattr__(self, "_yield_callback", look)

    SafeSessionState.on_script_will_rerun = whole
