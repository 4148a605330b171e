"""A press is not lost where the page sends something else at the same moment."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.state.common import WidgetMetadata

from pages.parts.presses import keep_presses


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as kept:
        kept.setattr(SafeSessionState, "on_script_will_rerun", SafeSessionState.on_script_will_rerun)
        keep_presses()
        yield


class Page:
    """A script run's state with one button on it; a newer message waits, as `newer` says."""

    def __init__(self) -> None:
        self.newer = False
        self.pressed: list[str] = []
        self.state = SafeSessionState(SessionState(), self._look)
        button = WidgetMetadata(
            id="agree",
            deserializer=bool,
            serializer=lambda value: value,
            value_type="trigger_value",
            callback=self._remember,
        )
        self.state.register_widget(button, None)

    def _look(self) -> None:
        if self.newer:
            raise RerunException(RerunData())

    def _remember(self) -> None:
        self.state["slot"] = "remembered"
        self.pressed.append("agree")

    def press(self) -> None:
        values = WidgetStates()
        pressed = values.widgets.add()
        pressed.id, pressed.trigger_value = "agree", True
        copy_context().run(self._run, values)

    def _run(self, values: WidgetStates) -> None:
        ThreadState.initialize()
        self.state.on_script_will_rerun(values)


def test_a_press_reaches_its_callback_though_a_newer_message_waits() -> None:
    page = Page()
    page.newer = True
    page.press()
    page.newer = False
    assert page.pressed == ["agree"]
    assert page.state["slot"] == "remembered"


def test_a_message_behind_a_press_joins_it_and_does_not_replace_it() -> None:
    settings = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["fastReruns"] is False  # the server would begin anew with the later message alone


def test_after_the_callbacks_a_newer_message_cuts_the_run_short_as_before() -> None:
    page = Page()
    page.newer = True
    page.press()
    with pytest.raises(RerunException):
        _ = page.state["slot"]
