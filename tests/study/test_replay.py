"""Replay: what the model says now, held against every prediction that the log says was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.types import Edit, MissingArtefact, Op, Prediction, SteeringPlan, TillerError
from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.erasure import erase
from study.interventions import perform
from study.log import EventLog
from study.records import Record
from study.replay import Outcome, Rerun, Run, Verdict, replay, worst
from study.state import Pinned
from study.steering_events import InterventionApplied

LABELS = ("apple", "boat", "car")
MakeRun = Callable[..., Run]
Records = tuple[Record, ...]


@pytest.fixture
def toy(bench: Bench) -> MakeRun:
    """The model that made the log, `nudge` added to the first logit."""

    def made(*, nudge: float = 0.0, environment: str = "3", labels: str = "l") -> Run:
        def run(pinned: Pinned, names: Sequence[str], plan: SteeringPlan, then: Mapping[str, str]) -> Rerun:
            assert (tuple(names), dict(then)) == (LABELS, {"python": "3"})
            first, *rest = bench.see(plan).prediction.logits
            said = Prediction(LABELS, (first + nudge, *rest))
            return Rerun(prediction=said, labels_sha256=labels, environment={"python": environment})

        return run

    return made


@pytest.fixture
def records(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act]) -> tuple[Record, ...]:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=LABELS), key="open")
    steps = [act("edit", 1, 0), act("inspect", 2), act("edit", 1, 1), act("edit", 2, 2), act("undo"), act("redo")]
    for step in [*steps, act("edit", 0, 1.5, op="set"), act("reset")]:
        perform(fresh_log, session, step, bench)
    return fresh_log.read(session)


def verdicts(outcomes: Sequence[Outcome]) -> set[Verdict]:
    return {outcome.verdict for outcome in outcomes}


def test_every_prediction_is_run_once_and_named_by_the_act_that_asked_for_it(
    records: tuple[Record, ...], toy: MakeRun
) -> None:
    outcomes = list(replay(records, toy()))
    acts = [record for record in records if record.name.startswith(("intervention.", "task.started"))]
    assert [(one.seq, one.name) for one in outcomes] == [(record.seq, record.name) for record in acts]
    assert len(outcomes) == 8
    assert worst(outcomes) == (
        Verdict.BIT_EXACT,
        {"BIT_EXACT": 8, "WITHIN_TOLERANCE": 0, "UNRUNNABLE": 0, "MISMATCH": 0},
    )


def test_the_plans_are_rebuilt_from_the_acts(records: Records, toy: MakeRun) -> None:
    met: list[SteeringPlan] = []
    plain = toy()

    def run(pinned: Pinned, names: Sequence[str], plan: SteeringPlan, then: Mapping[str, str]) -> Rerun:
        met.append(plan)
        return plain(pinned, names, plan, then)

    list(replay(records, run))
    off, double, fixed = Edit(1), Edit(2, Op.SCALE, 2.0), Edit(0, Op.SET, 3.0)
    assert [plan.edits for plan in met] == [(), (off,), (), (double,), (), (double,), (fixed, double), ()]


def test_a_small_difference_is_tolerated_only_where_the_environment_differs(
    records: tuple[Record, ...], toy: MakeRun
) -> None:
    elsewhere = list(replay(records, toy(nudge=5e-5, environment="4")))
    assert verdicts(elsewhere) == {Verdict.WITHIN_TOLERANCE}
    assert elsewhere[0].differing == {"python": ("3", "4")}
    assert elsewhere[0].distance == pytest.approx(5e-5, rel=0.01)
    here = list(replay(records, toy(nudge=5e-5)))
    assert verdicts(here) == {Verdict.MISMATCH}
    assert "the same in every field" in here[0].reason
    far = list(replay(records, toy(nudge=2e-4, environment="4")))
    assert verdicts(far) == {Verdict.MISMATCH}
    assert "more than 0.0001" in far[0].reason


def test_another_top_class_is_a_mismatch_however_small_the_difference(
    fresh_log: EventLog, session: str, bench: Bench
) -> None:
    close = replace(
        bench, see=lambda plan: replace(bench.see(plan), prediction=Prediction(LABELS, (1.0, 0.99999, 0.0)))
    )
    fresh_log.append(session, *opening(close, image="7f.png", labels=LABELS), key="open")

    def run(*_: object) -> Rerun:
        swapped = Prediction(LABELS, (0.99999, 1.0, 0.0))
        return Rerun(prediction=swapped, labels_sha256="l", environment={"python": "4"})

    (outcome,) = replay(fresh_log.read(session), run)
    assert (outcome.verdict, outcome.reason) == (Verdict.MISMATCH, "the top class was apple and is boat")
    assert outcome.distance == pytest.approx(1e-5, rel=0.01)


def test_what_is_no_number_is_no_small_difference(records: Records, toy: MakeRun) -> None:
    assert verdicts(list(replay(records, toy(nudge=math.nan, environment="4")))) == {Verdict.MISMATCH}


def test_what_cannot_be_run_says_why(records: Records, toy: MakeRun) -> None:
    def gone(*_: object) -> Rerun:
        raise MissingArtefact("The model 0a was used; the folder has another: name the one used.")

    outcomes = list(replay(records, gone))
    assert verdicts(outcomes) == {Verdict.UNRUNNABLE}
    assert "The model 0a" in outcomes[0].reason
    assert outcomes[0].distance is None
    relabelled = list(replay(records, toy(labels="other")))
    assert verdicts(relabelled) == {Verdict.UNRUNNABLE}
    assert "labels or prompt templates" in relabelled[0].reason
    shorter = list(replay(records, lambda *a: replace(toy()(*a), prediction=Prediction(("apple",), (1.0,)))))
    assert "3 logits were logged and the model gives 1" in shorter[0].reason


def test_a_logged_state_that_the_acts_do_not_lead_to_is_a_mismatch(records: Records, toy: MakeRun) -> None:
    def forged(record: Record) -> Record:
        event: Any = record.event
        if isinstance(event, InterventionApplied) and event.component == 2:
            return replace(record, event=replace(event, setting=Edit(2, Op.SCALE, 2.5)))
        return record

    outcomes = list(replay(map(forged, records), toy()))
    wrong = [outcome for outcome in outcomes if outcome.verdict is Verdict.MISMATCH]
    assert wrong[0].seq == next(
        r.seq for r in records if r.row["target"] == "component/2" and r.name != "concept.inspected"
    )
    assert wrong[0].reason == "the acts before it lead to another state than the one logged"


def test_one_row_can_be_run_alone_by_its_act_or_its_prediction(records: Records, toy: MakeRun) -> None:
    wanted = next(record for record in records if record.name == "intervention.undone")
    for seq in (wanted.seq, wanted.seq + 1):
        (outcome,) = replay(records, toy(), only=seq)
        assert (outcome.seq, outcome.name) == (wanted.seq, "intervention.undone")
    with pytest.raises(TillerError, match="Row 999 was to be replayed; no prediction belongs to it"):
        list(replay(records, toy(), only=999))
    looked = next(record for record in records if record.name == "concept.inspected")
    with pytest.raises(TillerError, match="no prediction belongs to it"):
        list(replay(records, toy(), only=looked.seq))


def test_the_verdict_on_a_session_is_its_worst() -> None:
    def of(*given: Verdict) -> Verdict:
        return worst([Outcome(seq=1, name="", task="", state_id="", verdict=one) for one in given])[0]

    assert of(Verdict.BIT_EXACT, Verdict.WITHIN_TOLERANCE) is Verdict.WITHIN_TOLERANCE
    assert of(Verdict.UNRUNNABLE, Verdict.WITHIN_TOLERANCE) is Verdict.UNRUNNABLE
    assert of(Verdict.MISMATCH, Verdict.UNRUNNABLE, Verdict.BIT_EXACT) is Verdict.MISMATCH


def test_what_was_erased_is_no_pass(fresh_log: EventLog, session: str, records: Records, toy: MakeRun) -> None:
    erase(fresh_log, session)
    outcomes = list(replay(fresh_log.read(session), toy()))
    assert verdicts(outcomes) == {Verdict.UNRUNNABLE}
    assert (len(outcomes), outcomes[0].reason) == (8, "its payload was erased")


def test_a_session_without_predictions_is_no_pass(fresh_log: EventLog, session: str, toy: MakeRun) -> None:
    with pytest.raises(TillerError, match="there is nothing to run again"):
        list(replay(fresh_log.read(session), toy()))
