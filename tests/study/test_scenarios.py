"""Edits that are muted and plans that are kept: what acts, what undo leads back to, and what the record says of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from core.types import Edit, SteeringPlan
from study.acts import Act, ActRefused
from study.bench import Bench
from study.decisions import opening
from study.history import history_in
from study.interventions import perform
from study.log import EventLog
from study.mute_events import InterventionMuted
from study.replay import Rerun, Verdict, replay
from study.scenario_events import InterventionRecalled
from study.scenarios import scenarios_in
from study.state import Pinned
from study.steering_events import InterventionApplied, InterventionCompared, ModelPredicted
from study.task_events import TaskStarted
from study.units import units_in

MakeAct = Callable[..., Act]
LABELS = ("apple", "boat", "car")


@pytest.fixture(name="bench")
def keeping(bench: Bench) -> Bench:
    return replace(bench, tools=bench.tools | {"mute", "scenarios", "compare"})


def plan_of(strengths: Mapping[int, float]) -> SteeringPlan:
    return SteeringPlan(tuple(Edit(component, strength=strength) for component, strength in strengths.items()))


class Sheet:
    """The same by hand, in two dictionaries and two piles of copies."""

    def __init__(self) -> None:
        self.acts: dict[int, float] = {}
        self.muted: dict[int, float] = {}
        self.back: list[tuple[dict[int, float], dict[int, float]]] = []
        self.ahead: list[tuple[dict[int, float], dict[int, float]]] = []

    def turn(self, to: tuple[dict[int, float], dict[int, float]]) -> None:
        if to != (self.acts, self.muted):
            self.back.append((self.acts, self.muted))
            self.ahead = []
            self.acts, self.muted = to

    def edit(self, component: int, strength: float) -> None:
        rest = {each: value for each, value in self.acts.items() if each != component}
        muted = {each: value for each, value in self.muted.items() if each != component}
        self.turn((rest if strength == 1 else {**rest, component: strength}, muted))

    def mute(self, component: int) -> None:
        if component in self.acts:
            rest = {each: value for each, value in self.acts.items() if each != component}
            self.turn((rest, {**self.muted, component: self.acts[component]}))

    def unmute(self, component: int) -> None:
        if component in self.muted:
            rest = {each: value for each, value in self.muted.items() if each != component}
            self.turn(({**self.acts, component: self.muted[component]}, rest))

    def undo(self) -> None:
        if self.back:
            self.ahead.append((self.acts, self.muted))
            self.acts, self.muted = self.back.pop()

    def redo(self) -> None:
        if self.ahead:
            self.back.append((self.acts, self.muted))
            self.acts, self.muted = self.ahead.pop()

    def age(self, component: int) -> int:
        """In how many of the last states, one after another, it has had an edit."""
        states = [*self.back, (self.acts, self.muted)]
        there = [component in acts or component in muted for acts, muted in reversed(states)]
        return [*there, False].index(False)


@pytest.mark.file
@pytest.mark.parametrize("seed", range(4))
def test_what_acts_and_what_is_muted_is_what_a_sheet_of_paper_says_and_every_prediction_replays(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, seed: int
) -> None:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=LABELS), key="open")
    rng, sheet, kept, changed = random.Random(seed), Sheet(), {}, 0
    for step in range(60):
        component = rng.randrange(3)
        kind = rng.choice(["edit", "edit", "mute", "unmute", "undo", "redo", "reset", "save", "recall"])
        before = (sheet.acts, sheet.muted)
        match kind:
            case "edit":
                strength = rng.choice([0.0, 0.5, 1.0, 2.0])
                sheet.edit(component, strength)
                sent = act("edit", component, strength)
            case "mute" | "unmute":
                getattr(sheet, kind)(component)
                sent = act(kind, component)
            case "undo" | "redo":
                getattr(sheet, kind)()
                sent = act(kind)
            case "reset":
                sheet.turn(({}, {}))
                sent = act(kind)
            case "save" if sheet.acts:
                sent = act("save", title=f"{step}")
            case "recall" if kept:
                name = rng.choice(list(kept))
                sheet.turn((kept[name], {}))
                sent = act("recall", scenario=name)
            case _:
                continue
        done = perform(fresh_log, session, sent, bench)
        if kind == "save":
            kept[done.records[0].event_id] = sheet.acts
        now = history_in(fresh_log.read(session), "word")
        assert (now.plan, now.muted) == (plan_of(sheet.acts), plan_of(sheet.muted)), (step, kind)
        assert (len(now.past), len(now.future)) == (len(sheet.back), len(sheet.ahead))
        edited = sorted({*sheet.acts, *sheet.muted})
        assert now.newest_first == tuple(sorted(edited, key=sheet.age)), "the list begins with what was done last"
        changed += before[0] != sheet.acts

    def run(_pinned: Pinned, _names: Sequence[str], plan: SteeringPlan, _then: Mapping[str, str]) -> Rerun:
        return Rerun(prediction=bench.see(plan).prediction, labels_sha256="l", environment={"python": "3"})

    records = fresh_log.read(session)
    assert {outcome.verdict for outcome in replay(records, run)} == {Verdict.BIT_EXACT}
    assert len(units_in(records)) == changed, "what changed no state is not coded"


def test_a_muted_edit_is_in_the_record_with_what_stood_on_either_side(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    muting = act("mute", 1, control="keyboard")
    done = perform(fresh_log, session, muting, bench)
    event = done.records[0].event
    assert isinstance(event, InterventionMuted) and isinstance(done.records[1].event, ModelPredicted)
    assert (event.edit, event.before.plan, event.after.plan) == (Edit(1), SteeringPlan((Edit(1),)), SteeringPlan())
    assert (event.cells()["component"], event.cells()["strength_previous"], event.control) == (1, 0.0, "keyboard")
    assert perform(fresh_log, session, muting, bench) == done, "sent again, it is done once"
    assert not perform(fresh_log, session, act("mute", 1), bench).changed
    taken = perform(fresh_log, session, act("edit", 1, 1), bench).records[0].event
    assert isinstance(taken, InterventionApplied)
    assert (taken.tool, taken.previous, taken.before.plan) == ("restore", Edit(1), SteeringPlan())
    assert history_in(fresh_log.read(session), "word").muted == SteeringPlan()


def test_a_scenario_is_kept_renamed_brought_back_and_deleted(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    with pytest.raises(ActRefused, match="no edit acts"):
        perform(fresh_log, session, act("save", title="none"), bench)
    perform(fresh_log, session, act("edit", 1, 0), bench)
    saved = perform(fresh_log, session, act("save", title=" no boat "), bench).records[0]
    assert not perform(fresh_log, session, act("save", title="no boat"), bench).changed
    perform(fresh_log, session, act("rename", scenario=saved.event_id, title="boatless"), bench)
    (found,) = scenarios_in(fresh_log.read(session), "word")
    assert (found.id, found.title, found.shown.plan) == (saved.event_id, "boatless", SteeringPlan((Edit(1),)))
    perform(fresh_log, session, act("edit", 2, 2), bench)
    perform(fresh_log, session, act("mute", 2), bench)
    back = perform(fresh_log, session, act("edit", 1, 1), bench) and act("recall", scenario=saved.event_id)
    event = perform(fresh_log, session, back, bench).records[0].event
    assert isinstance(event, InterventionRecalled)
    assert (event.before.plan, event.after.plan) == (SteeringPlan(), SteeringPlan((Edit(1),)))
    perform(fresh_log, session, act("undo"), bench)
    assert history_in(fresh_log.read(session), "word").muted == SteeringPlan((Edit(2, strength=2.0),))
    perform(fresh_log, session, act("delete", scenario=saved.event_id), bench)
    assert scenarios_in(fresh_log.read(session), "word") == ()
    with pytest.raises(ActRefused, match="not kept, or no longer"):
        perform(fresh_log, session, act("recall", scenario=saved.event_id), bench)


def test_two_scenarios_are_compared_by_what_the_model_said_of_each(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    ids: list[str] = []
    for component in (0, 1):
        perform(fresh_log, session, act("edit", component, 0), bench)
        ids.append(perform(fresh_log, session, act("save", title="x"), bench).records[0].event_id)
    perform(fresh_log, session, act("reset"), bench)
    one = perform(fresh_log, session, act("compare", of=ids[0], against=ids[1]), bench).records[0].event
    assert isinstance(one, InterventionCompared) and one.one is not None
    assert (one.of, one.against) == (ids[0], ids[1])
    assert (one.after.plan, one.one.plan) == (SteeringPlan(), SteeringPlan((Edit(0),)))
    assert one.other.plan == SteeringPlan((Edit(0), Edit(1)))
    two = perform(fresh_log, session, act("compare", against=ids[1]), bench).records[0].event
    assert isinstance(two, InterventionCompared)
    assert (two.of, two.one, two.other.plan) == ("standing", None, SteeringPlan((Edit(0), Edit(1))))
    assert not perform(fresh_log, session, act("compare", of=ids[0], against=ids[0]), bench).changed


@pytest.mark.parametrize("kind", ["save", "recall", "compare", "mute"])
def test_without_the_tool_nothing_is_kept_or_muted(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, kind: str
) -> None:
    given = {
        "save": {"title": "x"},
        "recall": {"scenario": "r1"},
        "compare": {"against": "r1"},
        "mute": {"component": 1},
    }[kind]
    looking = replace(bench, tools=bench.tools - {"mute", "scenarios"})
    with pytest.raises(ActRefused, match="this task offers"):
        perform(fresh_log, session, act(kind, **given), looking)


def test_a_new_attempt_begins_with_nothing_kept(fresh_log: EventLog, session: str, bench: Bench, act: MakeAct) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    perform(fresh_log, session, act("save", title="x"), bench)
    perform(fresh_log, session, act("mute", 1), bench)
    fresh_log.append(session, TaskStarted(task="word", attempt=2, order=1), key="again")
    records = fresh_log.read(session)
    assert (scenarios_in(records, "word"), history_in(records, "word").muted) == ((), SteeringPlan())
