"""Bots walk the whole route of any script on the real engine, keep to its rules, and fill its slots evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import build
from core.types import TillerError
from pages.parts.opened import desk_of
from pages.parts.rig import Rig
from study.bots import take_part
from study.instrument_events import InstrumentScored
from study.participants import admit
from study.preview_events import InterventionPredicted
from study.records import Record
from study.replay import Verdict, replay, worst
from study.route import route_of
from study.script import load_script
from study.session_events import SessionStarted
from study.simulation import POLICIES, Bot
from study.steering_events import Intervention, InterventionApplied
from study.task_events import PageLeft, ResponseSubmitted, TaskStarted, TaskSubmitted

WHOLE = Path(__file__).parent / "bots_way" / "study.yaml"
STUDIES = Path(__file__).parents[2] / "data" / "studies"


def made(world: Any, folder: Path, script: Path) -> Rig:
    return build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{folder / 'log.db'}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(script),
        }
    )


def bots(rig: Rig, *some: Bot) -> list[tuple[Record, ...]]:
    found = []
    for bot in some:
        admission = admit(rig.log, rig.script.study.id)
        take_part(rig.log, rig.script, admission, lambda place: desk_of(rig, place), bot)
        found.append(rig.log.read(admission.session_id))
    return found


@pytest.fixture(scope="module")
def whole(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    yield made(world, tmp_path_factory.mktemp("bots"), WHOLE)


@pytest.fixture(scope="module")
def eight(whole: Rig) -> list[tuple[Record, ...]]:
    policies = [*POLICIES, "random", "suppressor"]
    return bots(whole, *(Bot(seed=seed, policy=policy) for seed, policy in enumerate(policies)))


def left(records: tuple[Record, ...]) -> list[str]:
    """The stops in the order in which they were left."""
    return [
        event.page if isinstance(event, PageLeft) else event.task
        for event in (record.event for record in records)
        if isinstance(event, PageLeft | TaskSubmitted)
    ]


def test_each_leaves_every_stop_once_in_the_order_of_its_route(whole: Rig, eight: list[tuple[Record, ...]]) -> None:
    for records in eight:
        started = records[0].event
        assert isinstance(started, SessionStarted)
        route = [stop.id for stop in route_of(whole.script, started.levels, started.seed)]
        allowed = {record.row["target"] for record in records if record.name == "consent.given"}
        passed = {"welcome", "consent", *(() if "audio" in allowed else ("mic",))}
        assert left(records) == [one for one in route if one not in passed]
        assert records[-1].name == "session.completed"
        assert {record.row["mode"] for record in records} == {"bot"}
        assert whole.log.verify(records[0].session_id).whole


def test_the_slots_fill_evenly(eight: list[tuple[Record, ...]]) -> None:
    assert Counter(records[0].event.slot for records in eight) == dict.fromkeys(range(8), 1)  # pyright: ignore


def test_a_condition_without_steering_is_kept_to(eight: list[tuple[Record, ...]]) -> None:
    for records in eight:
        condition = {event.task: event.condition for _, event in named(records, TaskStarted)}
        steered = {condition[event.task] for _, event in named(records, Intervention)}
        assert "look" not in steered


def test_what_a_script_wants_expected_is_expected(eight: list[tuple[Record, ...]]) -> None:
    for records in eight:
        firsts: dict[str, str] = {}
        for record, event in named(records, InterventionApplied):
            firsts.setdefault(event.task, record.event_id)
        said = {event.task: event for _, event in named(records, InterventionPredicted)}
        assert {"a", "b", "c", "d"} & firsts.keys() == set(said)
        assert all(event.hypothesis and event.direction and event.direction_came for event in said.values())


def test_the_least_number_of_interventions_is_made_even_by_the_idle(eight: list[tuple[Record, ...]]) -> None:
    for records in eight:
        assert sum(event.task == "e" for _, event in named(records, InterventionApplied)) >= 2


def test_every_questionnaire_is_scored_and_every_question_answered(whole: Rig, eight: list[tuple[Record, ...]]) -> None:
    for records in eight:
        scores = [event for _, event in named(records, InstrumentScored)]
        assert {event.instrument for event in scores} == {"sus", "raw_tlx"} and None not in {e.score for e in scores}
        given = Counter((event.task, event.item) for _, event in named(records, ResponseSubmitted))
        wanted = {(key, one.id) for key in "abcde" for one in whole.script.tasks[key].answers}
        assert wanted | {("background", "years"), ("background", "met")} == set(given)
        assert set(given.values()) == {1}


def test_a_suppressor_suppresses_until_the_answer_is_right(whole: Rig, eight: list[tuple[Record, ...]]) -> None:
    acts = [event for _, event in named(eight[0], InterventionApplied) if (event.tool, event.value) == ("suppress", 0)]
    truth = {key: whole.tasks[task.picture].label for key, task in whole.script.tasks.items()}
    assert acts and all(event.before.top[0].label != truth[event.task] for event in acts)


def test_the_idle_do_only_what_is_asked_for(eight: list[tuple[Record, ...]]) -> None:
    idle = eight[list(POLICIES).index("idle")]
    assert not any(record.name in ("concept.inspected", "explanation.changed") for record in idle)
    assert Counter(event.task for _, event in named(idle, Intervention)) == {"practice": 1, "e": 2}


def test_what_they_saw_replays_bit_for_bit(whole: Rig, eight: list[tuple[Record, ...]]) -> None:
    for records in eight[:2]:
        assert worst(list(replay(records, whole.run)))[0] is Verdict.BIT_EXACT


def test_they_take_no_participants_slot_and_both_languages_are_spoken(eight: list[tuple[Record, ...]]) -> None:
    assert {records[0].event.language for records in eight} == {"en", "de"}  # pyright: ignore


def test_a_prompt_that_holds_the_tools_is_answered_before_the_first_step(eight: list[tuple[Record, ...]]) -> None:
    for records in eight:
        names = [(record.name, record.row["task_id"]) for record in records]
        steered = {task for name, task in names if name == "intervention.applied"} - {"practice"}
        for task in steered:
            mine = [name for name, at in names if at == task]
            assert mine.index("prompt.shown") < mine.index("prompt.answered") < mine.index("intervention.applied")


def test_who_refuses_ends_without_a_task(whole: Rig) -> None:
    (records,) = bots(whole, Bot(seed=3, refuses=True))
    assert [record.name for record in records] == [
        *("session.started", "consent.shown", "consent.refused", "consent.refused", "session.completed")
    ]
    assert records[-1].row["target"] is None and records[-1].event.outcome == "no_consent"  # pyright: ignore


def test_a_life_that_was_cut_short_goes_on_as_if_it_had_not_been(whole: Rig) -> None:
    class Cut(Exception):
        pass

    admission = admit(whole.log, whole.script.study.id)
    bot = Bot(seed=1, policy="random")
    append, allowed = whole.log.append, 0

    def short(*words: Any, **more: Any) -> Any:
        nonlocal allowed
        allowed -= 1
        if allowed < 0:
            raise Cut
        return append(*words, **more)

    cut = replace(whole, log=type(whole.log)(whole.log.engine))
    cut.log.append = short  # type: ignore[method-assign]
    lives = 0
    while True:
        lives, allowed = lives + 1, 5
        try:
            take_part(cut.log, cut.script, admission, lambda place: desk_of(cut, place), bot, life=lives)
            break
        except Cut:
            continue
    records = whole.log.read(admission.session_id)
    same = Bot(seed=1, policy="random")
    slot = records[0].event.slot  # pyright: ignore
    from study.assignment import slots_of

    other = admit(whole.log, whole.script.study.id)
    only = tuple(one for one in slots_of(whole.script) if one.number == slot)
    take_part(whole.log, whole.script, other, lambda place: desk_of(whole, place), same, slots=only)
    told = [
        [(r.name, r.row["target"], r.row["after_state_id"]) for r in rows if r.name != "session.resumed"]
        for rows in (records, whole.log.read(other.session_id))
    ]
    assert lives > 10 and told[0] == told[1]


def test_a_tutorial_that_cannot_be_done_is_named(world: Any, tmp_path: Path) -> None:
    text = WHOLE.read_text(encoding="utf-8").replace("events: [intervention.applied]", "events: [intervention.redone]")
    (tmp_path / "consent.md").write_text("Read this.", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    rig = made(world, tmp_path, tmp_path / "study.yaml")
    with pytest.raises(TillerError, match=r"Stop 'try_it' cannot be left: it asks for intervention\.redone"):
        bots(rig, Bot(seed=0))


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(TillerError, match="'lazy' was asked for; there are suppressor"):
        Bot(seed=0, policy="lazy")


@pytest.mark.slow
@pytest.mark.parametrize(("study", "slots", "some"), [("interview", 8, 40), ("remote", 16, 32)])
def test_forty_bots_fill_the_slots_of_a_shipped_study_evenly(study: str, slots: int, some: int, tmp_path: Path) -> None:
    rig = build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}",
            "TILLER_STUDY": str(STUDIES / f"{study}.yaml"),
        }
    )
    assert load_script(STUDIES / f"{study}.yaml").sha256 == rig.script.sha256
    every = bots(rig, *(Bot(seed=seed) for seed in range(some)))
    assert Counter(records[0].event.slot for records in every) == dict.fromkeys(range(slots), some // slots)  # pyright: ignore
    for records in every:
        assert records[-1].name == "session.completed"
        assert rig.log.verify(records[0].session_id).whole
        assert worst(list(replay(records, rig.run)))[0] is Verdict.BIT_EXACT
    assert rig.log.count() == sum(map(len, every))
    assert rig.log.count(without=("preview", "bot")) == 0


def named(records: tuple[Record, ...], kind: Any) -> list[tuple[Record, Any]]:
    return [(record, record.event) for record in records if isinstance(record.event, kind)]
