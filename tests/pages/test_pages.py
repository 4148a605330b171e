"""Each page, without a browser: what it shows, what it writes, and whom it lets in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from participants import Participant, words
from streamlit.testing.v1 import AppTest

from pages.parts.opened import open_picture
from pages.parts.rig import Rig
from study.session import Step, plan_in

PAGES = Path(__file__).parents[2] / "pages"


SHOWN = {
    Step.CONSENT: "We keep what you do.",
    Step.BRIEFING: "Picture 1 of 2",
    Step.ANSWER: "What went wrong?",
    Step.DONE: "That was it.",
}


@pytest.mark.parametrize("step", SHOWN)
def test_every_link_opens_on_the_step_that_the_log_says(participant: Callable[[Step], Participant], step: Step) -> None:
    who = participant(step)
    for page in (None, *(other.value for other in SHOWN)):
        assert SHOWN[step] in words(who.open(page)), page


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.WELCOME])
@pytest.mark.parametrize("link", ["", "nonsense", "A" * 32])
def test_a_page_without_its_session_shows_the_welcome_and_nothing_else(rig: Rig, step: Step, link: str) -> None:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.query_params["s"] = link
    test.run()
    test.switch_page(f"participant/{step.value}.py").run()
    assert [title.value for title in test.title] == ["A tiny study"]
    assert rig.log.sessions() == ()


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.WELCOME])
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
    test = who.open()
    test.text_area(key="answer-1-cause").input("The first one.")
    test.button(key="submit").click().run()
    assert "Still open: How sure are you?" in words(test)
    assert who.place.submitted == ()


def test_back_from_the_answer_finds_the_plan_as_it_was(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.WORKSPACE)
    component = open_picture(who.rig, who.rig.script.tasks["secret_cause"]).shown[0].index
    assert who.act("edit", component=component, strength=0) == {"act-00006": ""}
    who.act("answer")
    who.open().button(key="back").click().run()
    assert who.place.step is Step.WORKSPACE
    assert [edit.component for edit in plan_in(who.rig.log.read(who.id), "secret_cause")] == [component]
