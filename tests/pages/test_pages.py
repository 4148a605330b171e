"""Each page, without a browser: what it shows, what it writes, and whom it lets in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from participants import Participant, words
from streamlit.testing.v1 import AppTest

from pages.parts import here
from pages.parts.opened import open_picture
from pages.parts.rig import Rig
from study.answers import answers_in
from study.history import plan_in
from study.session import Step
from study.task_events import ResponseChanged

PAGES = Path(__file__).parents[2] / "pages"
THERE = tuple(here.PAGES)


SHOWN = {
    Step.CONSENT: "We keep what you do.",
    Step.BRIEFING: "Picture 1 of 2",
    Step.ANSWER: "What do you think?",
    Step.DONE: "That was it.",
}


@pytest.mark.parametrize("step", SHOWN)
def test_every_link_opens_on_the_step_that_the_log_says(participant: Callable[[Step], Participant], step: Step) -> None:
    who = participant(step)
    for page in (None, *(other.value for other in SHOWN)):
        assert SHOWN[step] in words(who.open(page)), page


@pytest.mark.parametrize("step", [step for step in THERE if step is not Step.WELCOME])
@pytest.mark.parametrize("link", ["", "nonsense", "A" * 32])
def test_a_page_without_its_session_shows_the_welcome_and_nothing_else(rig: Rig, step: Step, link: str) -> None:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.query_params["s"] = link
    test.run()
    test.switch_page(f"participant/{step.value}.py").run()
    assert [title.value for title in test.title] == ["A tiny study"]
    assert rig.log.sessions() == ()


@pytest.mark.parametrize("step", [step for step in THERE if step is not Step.WELCOME])
def test_a_page_run_without_the_page_list_shows_nothing(rig: Rig, step: Step) -> None:
    test = AppTest.from_file(str(PAGES / "participant" / f"{step.value}.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.run()
    assert not [*test.title, *test.markdown, *test.button]


def test_starting_twice_starts_once(rig: Rig) -> None:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.run()
    press = test.button(key="begin")
    press.click().run()
    assert "We keep what you do." in words(test)
    assert len(rig.log.sessions()) == 1
    assert test.query_params["s"]


def test_consent_is_one_answer_per_scope(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.CONSENT)
    test = who.open()
    test.checkbox(key="scope-quote").check()
    test.button(key="agree").click().run()
    assert who.place.consented == {"log", "quote"}
    assert "Picture 1 of 2" in words(test)


def test_declining_ends_the_session_and_records_nothing_more(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.CONSENT)
    test = who.open()
    test.button(key="decline").click().run()
    assert "Nothing more is recorded" in words(test)
    assert who.place.outcome == "no_consent"


def test_an_answer_with_a_gap_is_not_handed_in(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.ANSWER)
    who.write(ResponseChanged(task="secret_cause", item="cause", text="The first one."), key="draft")
    test = who.open()
    test.button(key="submit").click().run()
    assert "Still open: How sure are you?" in words(test)
    assert who.place.submitted == ()


def test_what_was_left_of_an_answer_is_handed_in_as_it_stands(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.ANSWER)
    drafts = ({"item": "cause", "text": "The fir"}, {"item": "cause", "text": " The first one. "})
    for number, draft in enumerate((*drafts, {"item": "confidence", "number": 70.0})):
        who.write(ResponseChanged(task="secret_cause", **draft), key=f"draft {number}")
    test = who.open()
    assert [record.name for record in who.rig.log.read(who.id)].count("response.changed") == 3, "nothing has changed"
    test.button(key="submit").click().run()
    answers = answers_in(who.rig.log.read(who.id), "secret_cause")
    assert {item: (one.text, one.number) for item, one in answers.items()} == {
        "cause": ("The first one.", None),
        "confidence": ("", 70.0),
    }
    assert who.place.submitted == ("secret_cause",)


def test_back_from_the_answer_finds_the_plan_as_it_was(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.WORKSPACE)
    component = open_picture(who.rig, who.rig.script.tasks["secret_cause"]).shown[0].index
    assert who.act("edit", component=component, strength=0) == {"act-00006": ""}
    who.act("answer")
    who.open().button(key="back").click().run()
    assert who.place.step is Step.WORKSPACE
    assert [edit.component for edit in plan_in(who.rig.log.read(who.id), "secret_cause")] == [component]


def test_a_press_that_no_run_came_to_is_not_lost(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.CONSENT)
    test = who.open()
    test.session_state["tiller_presses"] = {
        "agree": monotonic()
    }  # its run was cut short by another before it came to the button
    test.run()
    assert who.place.step is Step.BRIEFING


def test_a_press_of_long_ago_is_about_another_screen(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.CONSENT)
    test = who.open()
    test.session_state["tiller_presses"] = {"agree": monotonic() - 60}
    test.run()
    assert who.place.step is Step.CONSENT
