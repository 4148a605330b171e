"""The route: where a participant goes follows from script, slot and seed, and from what the log says of the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product

import pytest

from study.events import Event
from study.records import Record
from study.route import factors_of, route_of, tasks_met
from study.script import StudyScript, load_script
from study.session import Session, Step, ended, session_in
from study.session_events import ConsentGiven, ConsentRefused, SessionCompleted, SessionStarted
from study.task_events import PageLeft, TaskStarted, TaskSubmitted

PHASES = """
schema: tiller-study/1
study: {id: two-phases, version: "1.0.0", title: {en: Two, de: Zwei}, contact: us, languages: [en, de]}
welcome: {en: Hello., de: Hallo.}
consent:
  text: consent.md
  scopes: [{key: log, required: true, label: Record me}, {key: audio, required: false, label: Record my voice}]
conditions:
  look: {tools: [attribution]}
  act: {tools: [attribution, suppress, undo]}
arms:
  prompting: {levels: {standard: {}, none: {drop: [probing]}}}
instruments: [{id: sus, at: end}, {id: raw_tlx, at: after_each_task}]
sequence:
  blocks:
    - {page: welcome}
    - {page: consent}
    - {page: mic_check, id: mic, if: consent.audio}
    - id: phases
      order: latin_square
      draw: {priority: [phase_order, task_set, task_order, prompting]}
      rotate: [set_1, set_2]
      blocks:
        - {id: looking, condition: look, tasks: rotated}
        - {id: acting, condition: act, tasks: rotated, first: {page: tutorial, id: try_it, task: practice}}
    - {page: text, id: after, text: Nearly done.}
task_sets:
  set_1: {order: latin_square, tasks: [a, b]}
  set_2: {order: latin_square, tasks: [c, d]}
tasks:
  practice: &task
    picture: word
    goal: Find out.
    tools: [attribution, suppress, amplify, undo]
    answers: [{id: cause, type: free_text, label: Why}]
  a: *task
  b: *task
  c: *task
  d: *task
debrief: Thank you.
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> StudyScript:
    path = tmp_path_factory.mktemp("script") / "study.yaml"
    path.with_name("consent.md").write_text("Read this.", encoding="utf-8")
    path.write_text(PHASES, encoding="utf-8")
    return load_script(path)


def rows(*happened: Event) -> list[Record]:
    return [
        Record(event, {"session_id": "s1", "seq": place, "event_id": f"e{place}", "name": event.name})
        for place, event in enumerate(happened, start=1)
    ]


def started(cell: dict[str, int] | None = None, mode: str = "remote") -> SessionStarted:
    return SessionStarted(
        study="two-phases", study_version="1.0.0", script_sha256="5c", participant="P01", mode=mode, levels=cell or {}
    )


def walked(script: StudyScript, *happened: Event) -> Session:
    return session_in(rows(*happened), script)


def cells(script: StudyScript) -> list[dict[str, int]]:
    factors = factors_of(script)
    return [dict(zip(factors, levels, strict=True)) for levels in product(*map(range, factors.values()))]


def tasks_of(script: StudyScript, cell: dict[str, int]) -> list[tuple[str, str]]:
    return [(stop.id, stop.condition) for stop in route_of(script, cell, 0) if stop.is_task]


def test_the_factors_stand_in_the_scripts_priority(script: StudyScript) -> None:
    assert factors_of(script) == {"phase_order": 2, "task_set": 2, "task_order": 2, "prompting": 2}


def test_a_route_by_hand(script: StudyScript) -> None:
    route = route_of(script, {"phase_order": 1, "task_set": 0, "task_order": 1}, 0)
    # the second phase comes first and takes the first set, whose tasks stand in the second row of the square
    assert [stop.id for stop in route] == [
        *("welcome", "consent", "mic", "try_it", "b", "b/raw_tlx", "a", "a/raw_tlx"),
        *("d", "d/raw_tlx", "c", "c/raw_tlx", "after", "sus"),
    ]
    assert {stop.id: stop.condition for stop in route if stop.is_task} == {
        "b": "act",
        "a": "act",
        "d": "look",
        "c": "look",
    }


def test_nobody_meets_a_task_twice_and_everybody_meets_each_condition(script: StudyScript) -> None:
    for cell in cells(script):
        met = tasks_of(script, cell)
        assert sorted(task for task, _ in met) == ["a", "b", "c", "d"]
        assert tasks_met(script) == len(met)
        assert Counter(condition for _, condition in met) == {"look": 2, "act": 2}


def test_over_all_slots_each_task_is_equally_often_in_each_place_and_condition(script: StudyScript) -> None:
    every = [tasks_of(script, cell) for cell in cells(script)]
    places = Counter((task, place) for met in every for place, (task, _) in enumerate(met))
    conditions = Counter(pair for met in every for pair in met)
    assert len(set(places.values())) == 1 and len(places) == 16
    assert len(set(conditions.values())) == 1 and len(conditions) == 8


def test_a_task_offers_the_tools_that_task_and_condition_share(script: StudyScript) -> None:
    tools = {stop.condition: stop.tools for stop in route_of(script, {}, 0) if stop.is_task}
    assert tools == {"look": ("attribution",), "act": ("attribution", "suppress", "undo")}


LOG, NO_LOG = ConsentGiven(scope="log", text_sha256="c"), ConsentRefused(scope="log", text_sha256="c")
AUDIO, NO_AUDIO = ConsentGiven(scope="audio", text_sha256="c"), ConsentRefused(scope="audio", text_sha256="c")


def test_a_page_whose_rule_does_not_hold_is_passed_by(script: StudyScript) -> None:
    assert walked(script, started(), LOG, AUDIO).step is Step.MIC
    assert walked(script, started(), LOG, NO_AUDIO).task == "a"


def test_nobody_is_sent_back_to_a_page_whose_rule_begins_to_hold(script: StudyScript) -> None:
    from study.session_events import ConsentScopeChanged

    later = ConsentScopeChanged(scope="audio", text_sha256="c", given=True)
    assert (
        walked(script, started(), LOG, NO_AUDIO, TaskStarted(task="a"), TaskSubmitted(task="a"), later).step
        is not Step.MIC
    )


def steps(script: StudyScript, happened: Sequence[Event]) -> tuple[list[Session], Session]:
    """Every place on the way to the end, each stop left by its own row, and the last place."""
    rows_so_far, places = list(happened), list[Session]()
    while (place := walked(script, *rows_so_far)).step is not Step.DONE:
        places.append(place)
        assert place.stop is not None
        if place.stop.is_task:
            rows_so_far += [TaskStarted(task=place.stop.id), TaskSubmitted(task=place.stop.id)]
        else:
            rows_so_far.append(PageLeft(page=place.stop.id))
    return places, place


@pytest.mark.parametrize("voice", [AUDIO, NO_AUDIO])
def test_the_way_goes_forward_to_its_end_and_ends_once(script: StudyScript, voice: Event) -> None:
    for cell in cells(script):
        places, last = steps(script, [started(cell), LOG, voice])
        assert all(one.at < other.at for one, other in pairwise(places))
        assert [place.order for place in places if place.order] == [1, 2, 3, 4]
        assert {place.of for place in places} == {len(route_of(script, cell, 0)) - 1}
        assert last.ending == "completed"


def test_the_end_is_written_with_the_row_that_leaves_the_last_stop(script: StudyScript) -> None:
    way = [started(), LOG, NO_AUDIO, PageLeft(page="after")]
    assert ended(rows(*way[:3]), script, PageLeft(page="after")) == (PageLeft(page="after"),)
    assert ended(rows(*way), script, PageLeft(page="sus")) == (PageLeft(page="sus"), SessionCompleted())


def test_a_script_speaks_each_of_its_languages(script: StudyScript) -> None:
    assert (script.language, script.welcome, script.study.title) == ("en", "Hello.", "Two")
    german = script.in_language("de")
    assert (german.language, german.welcome, german.study.title, german.debrief) == (
        "de",
        "Hallo.",
        "Zwei",
        "Thank you.",
    )
    assert german.sha256 == script.sha256
    assert script.in_language("fr").language == "en"
