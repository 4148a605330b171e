"""Acts: whatever a browser sends, the log gets each step once, whole and true, or nothing."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Edit, Op, Scope, SteeringPlan
from study.acts import Act, ActRefused
from study.bench import Bench, Seen
from study.database import LogUnavailable
from study.decisions import opening
from study.history import plan_in
from study.interventions import perform
from study.log import EventLog, LogRefused
from study.messages import act_id, read_act
from study.preview_events import InterventionPreviewed
from study.state import state_id
from study.steering_events import InterventionApplied, InterventionFailed, ModelPredicted

MakeAct = Callable[..., Act]
STATE_DIGESTS = ("model_sha256", "dictionary_sha256", "image_sha256", "labels_sha256")

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
almost = st.fixed_dictionaries(
    {"id": st.just("act-000001") | junk, "task": st.just("word") | junk, "kind": st.sampled_from(["edit", "inspect"])},
    optional=dict.fromkeys(("component", "strength", "op", "unit", "scope", "patches", "control", "perf_ms"), junk),
)


@given(junk | almost)
def test_any_message_is_read_or_refused_in_one_sentence(message: object) -> None:
    try:
        read_act(message)
    except ActRefused as error:
        assert "please do it again" in str(error)
        assert "\n" not in str(error)
        assert len(str(error)) < 300
    assert isinstance(act_id(message), str | None)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"component": -1}, "component: input should be greater than or equal to 0"),
        ({"component": True}, "component: input should be a valid integer"),
        ({"component": "3"}, "component"),
        ({"strength": float("nan")}, "strength"),
        ({"strength": 1e9}, "strength: input should be less than or equal to 100"),
        ({"op": "power"}, "op"),
        ({"id": "<script>"}, "id"),
        ({"task": None}, "task"),
        ({"kind": "x" * 10_000}, "the act: its kind is none of edit, undo, redo, reset, inspect,"),
        ({"kind": "\n\ud800"}, "its kind is none of"),
        ({"component": 2**31}, "component: input should be less than"),
        ({"component": 10**5000}, "component: input should be less than"),
        ({"patches": [2**31]}, r"patches\.0: input should be less than"),
        ({"epoch_ms": 10**400}, "epoch_ms: input should be a valid number"),
    ],
)
def test_a_bad_field_is_named(wrong: dict[str, object], sentence: str) -> None:
    good = {"id": "act-000001", "task": "word", "kind": "edit", "component": 3, "strength": 0.0}
    read_act(good)
    with pytest.raises(ActRefused, match=sentence) as caught:
        read_act({**good, **wrong})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"component": 10}, "Component 10 was asked for; the dictionary has 10: name one from 0 to 9"),
        ({"scope": "patches"}, "patches go with scope patches"),
        ({"scope": "patches", "patches": [4]}, r"Patch 4 was asked for; the picture has 4 \(0 to 3\)"),
        ({"task": "scene"}, "A step of task scene came while word is open"),
        ({"component": 9, "op": "set"}, "Component 9 was to be set in multiples of its p99; none is known"),
    ],
)
def test_what_is_not_there_is_refused_and_not_logged(
    fresh_log: EventLog, session: str, bench: Bench, asked: dict[str, object], sentence: str
) -> None:
    message = {"id": "act-000001", "task": "word", "kind": "edit", "component": 3, "strength": 0.0, **asked}
    with pytest.raises(ActRefused, match=sentence):
        perform(fresh_log, session, read_act(message), bench)
    assert len(fresh_log.read(session)) == 1


def test_a_tool_that_the_task_does_not_offer_is_refused(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    looking = replace(bench, tools=frozenset({"attribution"}))
    for refused in (act("edit", 1, 0), act("edit", 1, 2), act("undo"), act("edit", 1, 1, op="set")):
        with pytest.raises(ActRefused, match="this task offers attribution"):
            perform(fresh_log, session, refused, looking)
    assert perform(fresh_log, session, act("inspect", 1), looking).changed
    assert perform(fresh_log, session, act("answer"), looking).changed


def test_one_move_writes_one_intervention_and_its_prediction(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    applied, predicted = perform(fresh_log, session, act("edit", 1, 0, perf_ms=12.5, control="slider"), bench).records
    moved, said = applied.event, predicted.event
    assert isinstance(moved, InterventionApplied)
    assert isinstance(said, ModelPredicted)
    assert (moved.component, moved.tool, moved.value, moved.unit) == (1, "suppress", 0.0, "factor")
    assert (moved.setting, moved.previous, moved.control) == (Edit(1), None, "slider")
    # the toy's logits are 2, 1, 0, and component 1 gave boat its 1: 2.0 and 1.0 are 00000040 and 0000803f
    assert moved.before.logits == "000000400000803f00000000"
    assert moved.after.logits == said.after.logits == "000000400000000000000000"
    assert moved.before.state_id == bench.pinned.state(()).id == applied.row["before_state_id"]
    assert moved.after.state_id == bench.pinned.state((Edit(1),)).id == predicted.row["after_state_id"]
    assert (said.latency_ms, said.edit_norm_ratio, said.environment) == (3.5, 0.25, {"python": "3"})
    assert predicted.row["cause_event_id"] == applied.event_id
    assert applied.row["client_perf_ms"] == 12.5


def test_set_and_add_are_logged_in_codes_and_as_the_control_said(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    move = act("edit", 1, 1.5, op="set", scope="patches", patches=[2, 0])
    event = cast("InterventionApplied", perform(fresh_log, session, move, bench).records[0].event)
    assert (event.value, event.unit, event.tool) == (1.5, "p99", "set")
    assert event.setting == Edit(1, Op.SET, 3.0, Scope.PATCHES, (0, 2))  # the toy's p99 is 2
    codes = act("edit", 1, 1.5, op="add", unit="code")
    event = cast("InterventionApplied", perform(fresh_log, session, codes, bench).records[0].event)
    assert (event.unit, event.setting) == ("code", Edit(1, Op.ADD, 1.5))


def test_an_act_sent_again_is_done_once(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    asked: list[SteeringPlan] = []

    def see(plan: SteeringPlan) -> Seen:
        asked.append(plan)
        return bench.see(plan)

    move, counted = act("edit", 1, 0), replace(bench, see=see)
    first = perform(fresh_log, session, move, counted)
    asked.clear()
    assert perform(fresh_log, session, move, counted) == first
    assert (len(fresh_log.read(session)), asked) == (3, [])


def test_an_act_sent_again_after_a_restart_is_done_once(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, reopen: Callable[[], EventLog]
) -> None:
    move = act("edit", 1, 0)
    first = perform(fresh_log, session, move, bench)
    assert perform(reopen(), session, move, bench) == first


OTHERS = [
    {"component": 2},
    {"strength": 0.25},
    {"op": "set"},
    {"op": "add", "unit": "code"},
    {"scope": "all"},
    {"scope": "patches", "patches": [0]},
    {"kind": "undo"},
    {"kind": "reset"},
    {"kind": "inspect"},
    {"kind": "answer"},
]


@pytest.mark.parametrize("other", OTHERS)
def test_another_act_under_the_id_of_one_that_stands_is_refused(
    fresh_log: EventLog, session: str, bench: Bench, other: dict[str, object]
) -> None:
    message = {"id": "act-000001", "task": "word", "kind": "edit", "component": 1, "strength": 0.5}
    stands = perform(fresh_log, session, read_act(message), bench)
    with pytest.raises(LogRefused, match=r"under the id of another, intervention\.applied, which stands"):
        perform(fresh_log, session, read_act({**message, **other}), bench)
    assert perform(fresh_log, session, read_act({**message, "epoch_ms": 5.0}), bench) == stands
    assert len(fresh_log.read(session)) == 3


ALL = [
    {"kind": "edit", "component": 1, "strength": 0.5},
    {"kind": "edit", "component": 2, "strength": 1.5, "op": "set", "scope": "patches", "patches": [2, 0]},
    {"kind": "compare"},
    {"kind": "preview", "component": 2, "strength": 0.25},
    {"kind": "inspect", "component": 1},
    {"kind": "overlay", "overlay": "fires", "component": 1},
    {"kind": "explain", "view": "exact", "toward": "boat", "against": "apple"},
    {"kind": "undo"},
    {"kind": "redo"},
    {"kind": "reset"},
    {"kind": "answer"},
    {"kind": "workspace"},
]


def test_every_kind_of_act_stands_when_it_is_sent_again(fresh_log: EventLog, session: str, bench: Bench) -> None:
    acts = [read_act({"id": f"act-{place:06d}", "task": "word", **sent}) for place, sent in enumerate(ALL)]
    bench = replace(bench, tools=bench.tools | {"compare"})
    first = [perform(fresh_log, session, each, bench) for each in acts]
    assert all(done.changed for done in first)
    assert [perform(fresh_log, session, each, bench) for each in acts] == first
    for place, later in enumerate(acts[1:]):  # and none stands for the one before it
        with pytest.raises(LogRefused):
            perform(fresh_log, session, later.model_copy(update={"id": acts[place].id}), bench)


def test_out_and_back_and_out_are_three_acts(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    for strength in (0.5, 1.0, 0.5):
        perform(fresh_log, session, act("edit", 1, strength), bench)
    names = [record.name for record in fresh_log.read(session)]
    assert names[1:] == ["intervention.applied", "model.predicted"] * 3


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("undo", {}),
        ("redo", {}),
        ("reset", {}),
        ("edit", {"component": 1, "strength": 1.0}),
        ("edit", {"component": 1, "strength": 0.0, "op": "add"}),
    ],
)
def test_an_act_that_changes_nothing_writes_nothing(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, kind: str, rest: dict[str, object]
) -> None:
    done = perform(fresh_log, session, act(kind, **rest), bench)
    assert (done.changed, len(fresh_log.read(session))) == (False, 1)


def test_another_spelling_of_the_same_state_writes_nothing(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    assert not perform(fresh_log, session, act("edit", 1, 0, op="set"), bench).changed
    assert not perform(fresh_log, session, act("edit", 1, 0, scope="all"), bench).changed


def test_a_failed_answer_is_logged_and_changes_no_plan(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    def broken(plan: SteeringPlan) -> Seen:
        raise RuntimeError("secret words of the engine")

    move = act("edit", 1, 0)
    with pytest.raises(RuntimeError):
        perform(fresh_log, session, move, replace(bench, see=broken), reference="K7")
    event = fresh_log.read(session)[-1].event
    assert event == InterventionFailed(task="word", act="edit", component=1, reference="K7", error="RuntimeError")
    assert plan_in(fresh_log.read(session), "word") == SteeringPlan()
    assert perform(fresh_log, session, move, bench).changed  # sent again, it is done after all


def test_what_was_on_the_screen_is_the_before_even_if_the_model_would_now_say_otherwise(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    first = perform(fresh_log, session, act("edit", 1, 0), bench)

    def drifted(plan: SteeringPlan) -> Seen:
        seen = bench.see(plan)
        return replace(seen, prediction=replace(seen.prediction, logits=(9.0, 9.0, 9.0)))

    second = perform(fresh_log, session, act("edit", 2, 0), replace(bench, see=drifted))
    was, now = first.records[0].event, second.records[0].event
    assert isinstance(was, InterventionApplied)
    assert isinstance(now, InterventionApplied)
    assert now.before == was.after


def test_two_tabs_never_log_a_before_that_was_not(
    fresh_log: EventLog, session: str, bench: Bench, reopen: Callable[[], EventLog]
) -> None:
    """Four tabs in two processes' logs steer one session; each intervention begins where the last one ended."""
    logs = (fresh_log, reopen())

    def tab(number: int) -> None:
        for turn in range(6):
            message = {
                "id": f"tab{number}-turn{turn}",
                "task": "word",
                "kind": "edit",
                "component": number,
                "strength": turn / 4 + 0.1,
            }
            for _ in range(2):
                perform(logs[number % 2], session, read_act(message), bench)

    threads = [threading.Thread(target=tab, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moves = [record.event for record in fresh_log.read(session) if isinstance(record.event, InterventionApplied)]
    assert len(moves) == 24
    for earlier, later in itertools.pairwise(moves):
        assert later.before == earlier.after


def test_looking_is_logged_as_looking(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    perform(fresh_log, session, act("inspect", 4), bench)
    perform(fresh_log, session, act("explain", view="exact", toward="boat", against="apple"), bench)
    perform(fresh_log, session, act("overlay", 4, overlay="fires"), bench)
    perform(fresh_log, session, act("answer"), bench)
    rows = [(record.name, record.row["target"]) for record in fresh_log.read(session)[1:]]
    assert rows == [
        ("concept.inspected", "component/4"),
        ("explanation.changed", "exact"),
        ("explanation.changed", "fires"),
        ("page.entered", "answer"),
    ]


def test_looking_names_the_state_it_looked_at(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    perform(fresh_log, session, act("overlay", 4, overlay="fires"), bench)
    perform(fresh_log, session, act("explain", view="exact", toward="boat", against="apple"), bench)
    edited, _, mapped, explained = fresh_log.read(session)[1:]
    here = edited.row["after_state_id"]
    assert here
    assert [mapped.row[when] for when in ("before_state_id", "after_state_id")] == [here, here]
    assert explained.row["before_state_id"] == here
    digests = {name: getattr(bench.pinned, name) for name in STATE_DIGESTS}
    other = state_id(**digests, explanation="exact", edits=(Edit(1, Op.SCALE, 0.0),))
    assert explained.row["after_state_id"] == other != here


def test_rows_of_the_workspace_name_their_page(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    for each in (act("edit", 1, 0), act("inspect", 1), act("answer")):
        perform(fresh_log, session, each, bench)
    pages = [record.row["page"] for record in fresh_log.read(session)[1:]]
    assert pages == ["workspace", "workspace", "workspace", "answer"]


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf])
def test_a_model_that_says_no_number_has_failed(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, logit: float
) -> None:
    def broken(plan: SteeringPlan) -> Seen:
        seen = bench.see(plan)
        return replace(seen, prediction=replace(seen.prediction, logits=(logit, 0.0, 0.0)))

    with pytest.raises(ArithmeticError, match="not all finite"):
        perform(fresh_log, session, act("edit", 1, 0), replace(bench, see=broken))
    assert [record.name for record in fresh_log.read(session)][1:] == ["intervention.failed"]


def test_errors_of_the_log_are_told_apart() -> None:
    assert not issubclass(LogRefused, LogUnavailable)
    assert not issubclass(LogUnavailable, LogRefused)


@pytest.mark.parametrize("reach", [{"scope": "cls"}, {"scope": "patches", "patches": [1]}])
@pytest.mark.parametrize("op", ["scale", "set", "add"])
@pytest.mark.parametrize("kind", ["edit", "preview"])
def test_single_tokens_are_reached_only_where_the_task_offers_the_tool(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, kind: str, op: str, reach: dict[str, object]
) -> None:
    without = replace(bench, tools=bench.tools - {"scope"})
    with pytest.raises(ActRefused, match="use scope all or active"):
        perform(fresh_log, session, act(kind, 1, 0.5, op=op, **reach), without)
    assert perform(fresh_log, session, act(kind, 1, 0.5, op=op, **reach), bench).changed
    assert perform(fresh_log, session, act(kind, 2, 0.5, op=op, scope="all"), without).changed


def test_a_slider_that_rests_says_its_operation_its_unit_and_its_tokens(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    rest = act("preview", 1, -0.5, op="set", scope="patches", patches=[2, 0])
    event = cast("InterventionPreviewed", perform(fresh_log, session, rest, bench).records[0].event)
    assert (event.tool, event.value, event.unit, event.scope, event.patches) == (
        *("set", -0.5, "p99", Scope.PATCHES),
        (2, 0),
    )
    perform(fresh_log, session, act("edit", 1, -0.5, op="set", scope="patches", patches=[0, 2]), bench)
    assert not perform(
        fresh_log, session, act("preview", 1, -0.5, op="set", scope="patches", patches=[0, 2]), bench
    ).changed
    with pytest.raises(ActRefused, match="none is known for it"):
        perform(fresh_log, session, act("preview", 9, 0.5, op="add"), bench)
