"""Each page, without a browser: what it shows, what it writes, and whom it lets in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TinyWorld
from streamlit.testing.v1 import AppTest

from app import build
from core.ripple import sham
from core.types import Edit, SteeringPlan
from pages.parts.acts import settle
from pages.parts.opened import bench_of, open_picture
from pages.parts.rig import Rig
from pages.parts.ripples import ripple_for
from study.database import LogUnavailable
from study.events import ConsentGiven, ConsentRefused, SessionCompleted, SessionStarted, TaskSubmitted
from study.interventions import opening
from study.participants import admit
from study.session import Step, plan_in, session_in

PAGES = Path(__file__).parents[2] / "pages"


@pytest.fixture
def rig(world: TinyWorld, tmp_path: Path) -> Rig:
    return build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(world.script),
        }
    )


class Participant:
    """One session, brought to whatever step a test wants by writing what leads there."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.admission = admit(rig.log, rig.script.study.id)
        self.id, self.token = self.admission.session_id, self.admission.token

    def write(self, *events: Any, key: str) -> None:
        self.rig.log.append(self.id, *events, key=key)

    @property
    def place(self) -> Any:
        return session_in(self.rig.log.read(self.id), self.rig.script, session_id=self.id)

    def at(self, step: Step) -> Participant:
        script = self.rig.script
        self.write(
            SessionStarted(
                study=script.study.id, study_version="1.0.0", script_sha256=script.sha256, participant="P01"
            ),
            key="start",
        )
        if step is Step.CONSENT:
            return self
        digest = script.consent_sha256
        self.write(
            ConsentGiven(scope="log", text_sha256=digest), ConsentRefused(scope="quote", text_sha256=digest), key="c"
        )
        if step is Step.BRIEFING:
            return self
        bench = bench_of(self.rig, self.place)
        self.write(*opening(bench, image="p.png", labels=("apple",)), key="o")
        if step is Step.ANSWER:
            self.act("answer")
        if step is Step.DONE:
            tasks = [TaskSubmitted(task=task) for task in script.tasks]
            self.write(*tasks, SessionCompleted(), key="d")
        return self

    def act(self, kind: str, **fields: Any) -> dict[str, str]:
        number = len(self.rig.log.read(self.id))
        return settle(self.rig, self.id, [{"id": f"act-{number:05d}", "task": 1, "kind": kind, **fields}])

    def open(self, page: str | None = None) -> AppTest:
        test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
        test.session_state["rig"] = self.rig
        test.query_params["s"] = self.token
        test.run()
        if page:
            test.switch_page(f"participant/{page}.py").run()
        return test


@pytest.fixture
def participant(rig: Rig) -> Callable[[Step], Participant]:
    return lambda step: Participant(rig).at(step)


def words(test: AppTest) -> str:
    assert not test.exception
    parts = [*test.title, *test.markdown, *test.subheader, *test.caption, *test.warning, *test.info]
    return " ".join(part.value for part in parts)


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


def test_an_act_that_changes_nothing_is_answered_and_writes_nothing(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.WORKSPACE)
    before = len(who.rig.log.read(who.id))
    assert set(who.act("edit", component=0, strength=1).values()) == {""}
    assert set(who.act("undo").values()) == {""}
    assert len(who.rig.log.read(who.id)) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "edit", "component": 10_000, "strength": 0},
        {"kind": "edit", "component": 0, "strength": float("nan")},
        {"kind": "edit", "component": "0", "strength": 0},
        {"kind": "drop table"},
        {"kind": "edit", "component": 0, "strength": 0, "task": 2},
    ],
)
def test_what_no_control_sends_is_refused_in_one_sentence(
    participant: Callable[[Step], Participant], wrong: dict[str, Any]
) -> None:
    who = participant(Step.WORKSPACE)
    before = len(who.rig.log.read(who.id))
    (sentence,) = who.act(**wrong).values()
    assert sentence.endswith(".")
    assert len(who.rig.log.read(who.id)) == before


def test_acts_wait_in_order_while_the_record_is_out_of_reach(
    participant: Callable[[Step], Participant], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = participant(Step.WORKSPACE)
    sent = [{"id": f"waiting-{n}", "task": 1, "kind": "edit", "component": n, "strength": 0} for n in range(3)]
    append, calls = who.rig.log.append, []

    def flaky(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs["key"])
        if calls == ["waiting-0", "waiting-1"]:
            raise LogUnavailable("The disk is full.")
        return append(*args, **kwargs)

    monkeypatch.setattr(who.rig.log, "append", flaky)
    assert settle(who.rig, who.id, sent) == {"waiting-0": ""}
    assert settle(who.rig, who.id, sent) == {"waiting-0": "", "waiting-1": "", "waiting-2": ""}
    assert [edit.component for edit in plan_in(who.rig.log.read(who.id), "secret_cause")] == [0, 1, 2]


def test_a_page_that_fails_says_so_calmly_with_a_number(
    participant: Callable[[Step], Participant], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = participant(Step.BRIEFING)

    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("pages.parts.opened.open_picture", broken)
    text = words(who.open())
    assert "nothing was lost" in text
    assert "secret detail" not in text


def test_an_app_that_cannot_be_built_says_why_to_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.rig._installed", [])
    monkeypatch.setattr("pages.parts.rig._wrong", ["No bundle at there/bundle.json; build it."])
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20).run()
    assert "Tiller cannot start yet" in words(test)
    assert [button.label for button in test.button] == []


def test_the_ripple_stands_beside_a_sham_of_equal_size(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.WORKSPACE)
    untouched = ripple_for(who.rig, who.token)
    assert untouched is not None
    assert (untouched["edits"], untouched["fixed"]["hits"], untouched["sham"]) == (0, 0, {"fixed": 0, "broken": 0})
    component = open_picture(who.rig, who.rig.script.tasks["secret_cause"]).shown[0].index
    who.act("edit", component=component, strength=0)
    opened = open_picture(who.rig, who.rig.script.tasks["secret_cause"])
    plan = SteeringPlan((Edit(component),))
    wanted = sham(opened.model, opened.bundle.sae, opened.bundle.reference, plan)
    found = ripple_for(who.rig, who.token)
    assert found is not None
    assert found["sham"] == {"fixed": wanted.fixed, "broken": wanted.broken}
