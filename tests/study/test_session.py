"""Folds: where a participant stands and what their plan is, from the rows alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.types import Edit, SteeringPlan
from study.acts import Act
from study.answers import answers_in
from study.bench import Bench
from study.decisions import opening
from study.events import Event
from study.history import history_in, plan_in, predicted_in
from study.interventions import perform
from study.log import EventLog
from study.messages import read_act
from study.records import Record
from study.script import StudyScript, load_script
from study.session import Step, session_in
from study.session_events import (
    ConsentGiven,
    ConsentRefused,
    SessionCompleted,
    SessionResumed,
    SessionStarted,
    SessionWithdrawn,
)
from study.task_events import PageEntered, ResponseSubmitted, TaskStarted, TaskSubmitted

MakeAct = Callable[..., Act]


@pytest.fixture(scope="module")
def script() -> StudyScript:
    return load_script(Path(__file__).parents[2] / "data" / "studies" / "demo.yaml")


def rows(*happened: Event) -> list[Record]:
    return [
        Record(event, {"session_id": "s1", "seq": place, "event_id": f"e{place}", "name": event.name})
        for place, event in enumerate(happened, start=1)
    ]


STARTED = SessionStarted(study="demo", study_version="1.0.0", script_sha256="5c", participant="P01")
LOG = ConsentGiven(scope="log", text_sha256="c")
QUOTE = ConsentRefused(scope="quote", text_sha256="c")
BEGUN = (STARTED, LOG, QUOTE)


def whole(task: str) -> tuple[Event, ...]:
    return (TaskStarted(task=task), PageEntered(page="answer", task=task), TaskSubmitted(task=task))


@pytest.mark.parametrize(
    ("happened", "step", "task"),
    [
        ((), Step.WELCOME, None),
        ((STARTED,), Step.CONSENT, None),
        ((STARTED, LOG), Step.CONSENT, None),
        (BEGUN, Step.BRIEFING, "printed_word"),
        ((*BEGUN, TaskStarted(task="printed_word")), Step.WORKSPACE, "printed_word"),
        ((*BEGUN, *whole("printed_word")[:2]), Step.ANSWER, "printed_word"),
        (
            (*BEGUN, *whole("printed_word")[:2], PageEntered(page="workspace", task="printed_word")),
            Step.WORKSPACE,
            "printed_word",
        ),
        ((*BEGUN, *whole("printed_word")), Step.BRIEFING, "scene"),
        ((*BEGUN, *whole("printed_word"), TaskStarted(task="scene")), Step.WORKSPACE, "scene"),
        ((*BEGUN, *whole("printed_word"), *whole("scene"), *whole("badge")), Step.DONE, None),
        ((STARTED, ConsentRefused(scope="log", text_sha256="c")), Step.DONE, None),
        ((*BEGUN, TaskStarted(task="printed_word"), SessionWithdrawn()), Step.DONE, None),
        ((*BEGUN, TaskStarted(task="printed_word"), SessionResumed(gap_s=60.0)), Step.WORKSPACE, "printed_word"),
    ],
)
def test_the_step_follows_from_the_rows(
    script: StudyScript, happened: tuple[Event, ...], step: Step, task: str | None
) -> None:
    found = session_in(rows(*happened), script)
    assert found.step is step
    if step is not Step.DONE:
        assert found.task == task


def test_a_session_is_finished_only_once_the_log_says_so(script: StudyScript) -> None:
    done = (*BEGUN, *whole("printed_word"), *whole("scene"), *whole("badge"))
    assert not session_in(rows(*done), script).finished
    assert session_in(rows(*done, SessionCompleted()), script).outcome == "completed"
    refused = (STARTED, ConsentRefused(scope="log", text_sha256="c"), SessionCompleted(outcome="no_consent"))
    assert session_in(rows(*refused), script).outcome == "no_consent"


def test_a_refusable_scope_may_be_refused(script: StudyScript) -> None:
    found = session_in(rows(*BEGUN), script)
    assert (found.consented, found.refused) == (frozenset({"log"}), frozenset({"quote"}))
    assert (found.participant, found.mode, found.order, found.seq) == ("P01", "remote", 1, 3)


def test_the_last_answer_to_an_item_stands() -> None:
    def answer(text: str, task: str = "printed_word") -> ResponseSubmitted:
        return ResponseSubmitted(task=task, item="cause", text=text)

    found = answers_in(rows(answer("one"), answer("two"), answer("other", "scene")), "printed_word")
    assert found["cause"].text == "two"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        st.tuples(st.sampled_from(["undo", "redo", "reset"])),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_undo_redo_and_reset_do_to_the_log_what_a_list_of_plans_does(
    fresh_log: EventLog, bench: Bench, steps: list[tuple[Any, ...]]
) -> None:
    """The oracle keeps every plan in a list with a place in it, as any editor does."""
    plans: list[dict[int, float]] = [{}]
    place = 0
    session_id = uuid.uuid4().hex
    fresh_log.append(session_id, *opening(bench, image="x", labels=("apple", "boat", "car")), key="open")
    for turn, (kind, *rest) in enumerate(steps):
        message: dict[str, object] = {"id": f"turn-{turn:04d}", "task": "word", "kind": kind}
        now = dict(plans[place])
        if kind == "edit":
            component, strength = rest
            message |= {"component": component, "strength": strength}
            now.pop(component, None)
            if strength != 1.0:
                now[component] = strength
        if kind == "reset":
            now = {}
        if kind == "undo":
            place = max(place - 1, 0)
        elif kind == "redo":
            place = min(place + 1, len(plans) - 1)
        elif now != plans[place]:
            plans, place = [*plans[: place + 1], now], place + 1
        perform(fresh_log, session_id, read_act(message), bench)
        records = fresh_log.read(session_id)
        assert {edit.component: edit.strength for edit in plan_in(records, "word")} == plans[place]
        history = history_in(records, "word")
        assert (len(history.past), len(history.future)) == (place, len(plans) - 1 - place)


def test_an_undo_names_what_it_undid_and_a_redo_what_it_redid(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    applied = perform(fresh_log, session, act("edit", 1, 0), bench).records[0]
    undone = perform(fresh_log, session, act("undo"), bench).records[0]
    redone = perform(fresh_log, session, act("redo"), bench).records[0]
    assert undone.event is not None
    assert redone.event is not None
    assert undone.event.cells()["undone_event_id"] == applied.event_id
    assert redone.event.cells()["redone_event_id"] == applied.event_id


def test_a_new_attempt_begins_with_an_empty_plan(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    assert len(plan_in(fresh_log.read(session), "word")) == 1
    fresh_log.append(session, TaskStarted(task="word", attempt=2), key="again")
    assert history_in(fresh_log.read(session), "word").past == ()
    assert plan_in(fresh_log.read(session), "word") == SteeringPlan()


def test_a_plan_is_one_tasks_own(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    assert plan_in(fresh_log.read(session), "scene") == SteeringPlan()


def test_the_last_prediction_reads_back_bit_for_bit(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    assert predicted_in(fresh_log.read(session), "word") is None
    perform(fresh_log, session, act("edit", 1, 0.5), bench)
    found = predicted_in(fresh_log.read(session), "word")
    assert found is not None
    # component 1 pushes boat by 1; half of it taken away leaves 0.5
    assert found.after.prediction(("apple", "boat", "car")).logits == (2.0, 0.5, 0.0)
    assert found.after.plan == SteeringPlan((Edit(1, strength=0.5),))
    assert found.after.top[0].label == "apple"
