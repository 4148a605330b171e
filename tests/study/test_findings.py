"""The findings of sessions that were made, and counted, by hand; intervals against scipy and against every resample."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

from study.__main__ import app
from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.findings import Finding, Findings, Measured, Spread, findings_of, portrait_of, portraits
from study.findings.figure import Point, average, share
from study.findings.portrait import TENTHS
from study.interventions import perform
from study.log import EventLog
from study.markdown import report_in_words, said
from study.preview_events import InterventionPredicted
from study.session_events import (
    SessionCompleted,
    SessionPaused,
    SessionRejected,
    SessionResumed,
    SessionStarted,
    SessionWithdrawn,
)
from study.task_events import ExplanationViewed, ResponseSubmitted, TaskSubmitted

LABELS = ("apple", "boat", "car")


@pytest.fixture
def begin(fresh_log: EventLog, bench: Bench) -> Callable[..., str]:
    """A participant who has opened the task `word`: the toy model says apple and should say boat.

    It does once component 0 is scaled below 0; each row comes one second after the one before it.
    """

    def begun(name: str, *, mode: str = "remote", condition: str = "") -> str:
        start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=name, mode=mode)
        fresh_log.append(name, start, key="start")
        fresh_log.append(name, *opening(bench, image="7f.png", labels=LABELS, condition=condition), key="open")
        viewed = ExplanationViewed(task="word", view="gradient", toward="apple", against="boat", components=(0, 1))
        fresh_log.append(name, viewed, key="viewed")
        return name

    return begun


@pytest.fixture
def do(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> Callable[..., None]:
    def done(name: str, *steps: tuple[Any, ...]) -> None:
        for kind, *rest in steps:
            more = {"overlay": "fires"} if kind == "overlay" else {}
            perform(fresh_log, name, act(kind, *rest, **more), bench)

    return done


@pytest.fixture
def two(fresh_log: EventLog, begin: Callable[..., str], do: Callable[..., None]) -> EventLog:
    """P01 repairs it at the second setting and spoils it by an undo; P02 amplifies, never repairs, never hands in."""
    for name in ("P01", "P02"):
        begin(name)
    do("P01", ("inspect", 0), ("edit", 0, 0.5), ("edit", 0, -1), ("undo",))
    fresh_log.append("P01", TaskSubmitted(task="word"), SessionCompleted(), key="submit")
    do("P02", ("edit", 1, 1.5), ("overlay", 1))
    return fresh_log


def found_in(log: EventLog, *, without: Sequence[str] = ("bot", "preview"), **more: Any) -> Findings:
    return findings_of(portraits(log, "demo", without), **more)


def hits(finding: Finding) -> dict[str, int | None]:
    return {figure.name: figure.hits for figure in finding.figures if figure.unit == "share" and figure.hits}


def points(*values: float) -> list[Point]:
    return [
        Point(participant=f"P{at:02d}", session=f"s{at}", seq=1, value=value)
        for at, value in enumerate(values, start=1)
    ]


def test_findings_are_those_counted_by_hand(two: EventLog) -> None:
    found = found_in(two)
    assert (len(found.people), found.completed, found.came) == (2, 1, 2)
    assert hits(found.of("dominant")) == {"suppress": 1, "amplify": 1}
    assert found.of("dominant").at("suppressing settings of all settings").value == 0.5
    assert hits(found.of("tried")) == {"suppress": 1, "amplify": 1, "undo": 1, "isolate": 2}
    assert {one.name: one.total for one in found.of("tried").figures if one.total} == {
        "suppress": 2,
        "amplify": 1,
        "undo": 1,
        "isolate": 3,
    }
    # only P01 handed the task in: right at the second setting, and wrong again after the undo
    repair = found.of("repair")
    assert repair.at("every task repaired").hits == 0 and repair.at("every task repaired").n == 1
    assert (repair.at("ever right", "word").hits, repair.at("right at the end", "word").hits) == (1, 0)
    assert repair.at("settings to the first right answer", "word").value == 2
    # a reading of the clock for each act; P02's start, opening and view came between
    assert found.of("time").at("in all", "word").value == 9.0
    assert found.of("time").at("in all", "task met as number 1").value == 9.0


def test_a_repair_leads_to_the_right_class_where_the_answer_was_weighed_against_another(
    fresh_log: EventLog, bench: Bench, do: Callable[..., None]
) -> None:
    for name, shows in (("P01", "boat"), ("P02", "")):  # P02's rows are of before: they do not say what it shows
        start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=name, mode="remote")
        fresh_log.append(name, start, key="start")
        begun = opening(replace(bench, shows=shows), image="7f.png", labels=LABELS)
        viewed = ExplanationViewed(task="word", view="gradient", toward="apple", against="car", components=(0, 1))
        fresh_log.append(name, *begun, viewed, key="open")
        do(name, ("edit", 0, -1))
        fresh_log.append(name, TaskSubmitted(task="word"), SessionCompleted(), key="submit")
    assert found_in(fresh_log).of("repair").at("right at the end", "word").hits == 1


def test_what_was_right_before_anything_was_set_needs_no_repair(
    fresh_log: EventLog, bench: Bench, do: Callable[..., None]
) -> None:
    for name, spoils in (("P01", False), ("P02", True)):  # P02 repairs what was right, and makes it wrong
        start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=name, mode="remote")
        fresh_log.append(name, start, key="start")
        begun = opening(replace(bench, shows="apple"), image="7f.png", labels=LABELS)
        viewed = ExplanationViewed(task="word", view="gradient", toward="apple", against="car", components=(0, 1))
        fresh_log.append(name, *begun, viewed, key="open")
        if spoils:
            do(name, ("edit", 0, -1))
        fresh_log.append(name, TaskSubmitted(task="word"), SessionCompleted(), key="submit")
    repair = found_in(fresh_log).of("repair")
    assert [point.value for point in repair.at("right at the end", "word").points] == [1.0, 0.0]
    assert repair.at("every task repaired").n == 0
    assert repair.at("settings to the first right answer", "word").reason == "it was right before any"


def test_a_task_is_before_the_first_intervention_between_and_after(two: EventLog) -> None:
    (point,) = found_in(two).of("time").at("in all", "word").points
    time = found_in(two).of("time")
    parts = ("before the first intervention", "from the first to the last", "after the last, answering")
    assert [time.at(name, "word").value for name in parts] == [6.0, 2.0, 1.0]
    assert sum(time.at(name, "word").value or 0 for name in parts) == point.value


def test_a_pause_is_no_time_on_a_task(fresh_log: EventLog, begin: Callable[..., str], do: Callable[..., None]) -> None:
    begin("P01")
    do("P01", ("edit", 0, -1))
    for number in range(20):  # each reading of the clock is a second
        fresh_log.append("P01", SessionPaused(), key=f"pause{number}")
    fresh_log.append("P01", SessionResumed(gap_s=20.0, ends_pause=True), key="on")
    fresh_log.append("P01", TaskSubmitted(task="word"), key="submit")
    # opened at 2 s by the clock, seen at 3, steered at 4, paused from 5 to 25, handed in at 26
    assert found_in(fresh_log).of("time").at("in all", "word").value == 4.0


def test_expectations_are_scored_over_participants(fresh_log: EventLog, begin: Callable[..., str]) -> None:
    def said(direction: bool | None, top1: bool | None, brier: float | None) -> InterventionPredicted:
        return InterventionPredicted(task="word", direction_right=direction, top1_right=top1, brier=brier)

    begin("P01")
    begin("P02")
    for at, one in enumerate((said(True, True, 0.0), said(True, False, 0.5), said(None, None, None))):
        fresh_log.append("P01", one, key=f"said{at}")
    fresh_log.append("P02", said(False, None, None), key="said")
    expected = found_in(fresh_log).of("expected")
    assert [(figure.value, figure.n) for figure in expected.figures] == [(pytest.approx(2 / 3), 3), (0.5, 2), (0.25, 2)]
    assert expected.at("direction right").interval and not expected.at("Brier score").interval


def test_a_participant_who_intervenes_later_has_shifted(two: EventLog) -> None:
    # P01: inspect, intervene | intervene, intervene: from a half to the whole; P02: intervene | inspect
    shift = found_in(two).of("shift")
    assert "halves" not in shift.counted and "half of the acts of each task" in shift.counted
    assert (shift.at("shifted").hits, shift.at("shifted").n) == (1, 2)
    assert [point.value for point in shift.at("change of that share").points] == [0.5, -1.0]
    assert shift.at("interventions among acts", "first half").value == 0.75
    assert shift.at("change of that share").value == -0.25


def test_where_there_are_phases_they_are_compared(
    fresh_log: EventLog, begin: Callable[..., str], do: Callable[..., None], bench: Bench, act: Callable[..., Act]
) -> None:
    begin("P01", condition="look")
    do("P01", ("inspect", 0), ("overlay", 0))
    fresh_log.append("P01", TaskSubmitted(task="word"), key="submit1")
    again = opening(bench, image="7f.png", labels=LABELS, order=2, condition="act")
    fresh_log.append("P01", *(replace(event, attempt=2) for event in again), key="open2")
    for step in (act("edit", 0, 0.0), act("edit", 1, 2.0), act("inspect", 1)):
        perform(fresh_log, "P01", step, replace(bench, attempt=2))
    shift = found_in(fresh_log).of("shift")
    assert "last phase" in shift.counted
    assert shift.at("interventions among acts", "first phase").value == 0
    assert shift.at("interventions among acts", "last phase").value == pytest.approx(2 / 3)
    assert shift.at("shifted").hits == 1


def test_nothing_is_said_of_trust_where_nobody_was_asked(two: EventLog) -> None:
    trust = found_in(two).of("trust")
    assert "not asked" in trust.title
    assert all(figure.name.startswith("behaviour: ") for figure in trust.figures)
    # P01 alone handed in: it intervened, and the undo showed the model with and without the edit
    assert [(figure.hits, figure.n) for figure in trust.figures] == [(1, 1), (1, 1)]


def test_trust_is_what_was_answered_where_it_was_asked(fresh_log: EventLog, begin: Callable[..., str]) -> None:
    for name, answer in (("P01", "observed response"), ("P02", "both"), ("P03", "plausible explanation"), ("P04", "")):
        begin(name)
        if answer:
            given = ResponseSubmitted(task="word", item="trust_basis", text=answer)
            fresh_log.append(name, given, TaskSubmitted(task="word"), key="submit")
    trust = found_in(fresh_log).of("trust")
    assert trust.title == "Trust grounding"
    assert (trust.at("the model's observed response").hits, trust.at("the model's observed response").n) == (2, 3)
    assert trust.at("answered: plausible explanation").hits == 1


def test_ties_are_named_and_no_setting_is_none(
    fresh_log: EventLog, begin: Callable[..., str], do: Callable[..., None]
) -> None:
    begin("P01")
    begin("P02")
    do("P01", ("edit", 1, 0.0), ("edit", 2, 2.0))
    dominant = found_in(fresh_log).of("dominant")
    assert hits(dominant) == {"suppress = amplify": 1, "no setting": 1}
    assert dominant.at("suppressing settings of all settings").n == 1, "who set nothing has no share"


def test_who_did_not_take_part_counts_nowhere_and_is_named(
    fresh_log: EventLog, begin: Callable[..., str], start: Callable[..., SessionStarted]
) -> None:
    fresh_log.append("stray", TaskSubmitted(task="word"), key="k")  # a row of no study
    begin("P01")
    begin("P02")
    fresh_log.append("P02", SessionWithdrawn(), key="away")
    fresh_log.append("P03", start(participant="P03"), key="start")
    begin("P04")
    fresh_log.append("P04", SessionRejected(), key="rejected")
    begin("B01", mode="bot")
    found = found_in(fresh_log)
    assert [one.participant for one in found.people] == ["P01"]
    assert (found.came, found.withdrawn, found.rejected, found.simulated) == (4, 1, 1, 0)
    words = report_in_words("demo", found.plain())
    assert "Of 4 sessions these count nowhere: 1 withdrawn, 1 rejected, 1 without a task." in words
    both = found_in(fresh_log, without=())
    assert (len(both.people), both.simulated) == (2, 1)
    assert "1 of them are simulated" in report_in_words("demo", both.plain())


def test_every_share_of_moves_in_a_tenth_adds_up_to_one(two: EventLog) -> None:
    course = found_in(two).of("course")
    for tenth in range(1, TENTHS + 1):
        here = [figure for figure in course.figures if figure.where == str(tenth)]
        known = [figure.value for figure in here if figure.value is not None]
        assert known == [] or sum(known) == pytest.approx(1)
        assert {bool(figure.reason) for figure in here if figure.value is None} <= {True}
    # P01's clock: task at 0, settings at 6 and 7, undo at 8, the last row at 9
    p01 = portrait_of(two.read("P01"))
    assert p01 is not None
    assert [(name, tenth) for name, tenth, _ in p01.moves] == [("suppress", 6), ("suppress", 7), ("undo", 8)]


def test_generalised_and_broken_are_counted_from_what_was_measured(two: EventLog) -> None:
    own, every = (
        Spread(images=10, right_before=0, fixed=8, broken=0),
        Spread(images=100, right_before=80, fixed=2, broken=4),
    )
    sham = Spread(images=10, right_before=0, fixed=1, broken=0)
    measured = Measured(own=own, own_sham=sham, all=every, all_sham=every)
    held = found_in(two, measured={("P01", "word", 1): measured}).of("held_out")
    assert (held.at("generalised", "word").hits, held.at("broke others", "word").hits) == (1, 1)
    assert held.at("its own failures fixed", "word").value == 0.8
    assert held.at("fixed by a sham", "word").value == 0.1
    assert held.at("right pictures broken", "word").value == 0.05
    assert every.unchanged == 94


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        (None, "the plans were not run: ask for --measure"),
        ({("P01", "word", 1): "the bundle is another"}, "the bundle is another"),
        ({}, "nobody handed it in"),
    ],
)
def test_what_was_not_measured_says_why(two: EventLog, measured: Any, why: str) -> None:
    held = found_in(two, measured=measured).of("held_out")
    assert {(figure.value, figure.reason) for figure in held.figures} == {(None, why)}
    assert said(held.plain()["figures"][0]) == f"N/A: {why}"


def figures(found: Findings) -> Iterator[Any]:
    return (figure for finding in found.all for figure in finding.figures)


def test_every_figure_has_its_number_its_interval_or_the_reason(two: EventLog) -> None:
    for figure in figures(found_in(two)):
        assert figure.of and figure.n == len(figure.points)
        if figure.value is None:
            assert figure.reason and figure.low is figure.high is None and figure.n == 0
        elif figure.low is None:
            assert figure.reason
        else:
            assert figure.low <= figure.value <= figure.high and figure.interval and not figure.reason


def test_a_study_of_nobody_has_a_reason_for_every_figure() -> None:
    for figure in figures(findings_of([])):
        assert figure.value is None and figure.reason


@pytest.mark.parametrize(("k", "n"), [(0, 8), (3, 8), (5, 8), (7, 8), (8, 8), (1, 1), (37, 90)])
def test_shares_have_the_interval_that_scipy_gives(k: int, n: int) -> None:
    found = share("x", points(*[1.0] * k, *[0.0] * (n - k)), none="")
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


@pytest.mark.parametrize(("middle", "of"), [("mean", mean), ("median", median)])
@pytest.mark.parametrize("values", [(1, 2, 4), (0, 0, 0, 1), (3, 3), (5, 1, 4, 2, 9)])
def test_the_bootstrap_is_that_of_every_resample(
    values: tuple[float, ...], middle: Any, of: Callable[[Sequence[float]], float]
) -> None:
    found = average("x", points(*values), unit="steps", none="", middle=middle)
    every = np.array([of(drawn) for drawn in product(values, repeat=len(values))])
    assert found.value == of(values)
    for end, quantile in ((found.low, 0.025), (found.high, 0.975)):
        # 2,000 draws miss the exact quantile by what a share of 2.5 % varies by: 4 standard errors of it
        reach = 4 * (0.025 * 0.975 / 2000) ** 0.5
        low = np.quantile(every, max(0, quantile - reach), method="lower")
        high = np.quantile(every, min(1, quantile + reach), method="higher")
        assert low - 1e-9 <= (end or 0) <= high + 1e-9


def test_a_participant_is_drawn_with_all_their_points() -> None:
    mine = [Point(participant="P01", session="a", seq=1, value=value) for value in (0.0, 0.0, 0.0)]
    yours = [Point(participant="P02", session="b", seq=1, value=9.0)]
    found = average("x", [*mine, *yours], unit="steps", none="", of="attempts", middle="median")
    # the draws are (P01, P01), (P01, P02) twice and (P02, P02): medians 0, 0 and 9
    assert (found.value, found.low, found.high) == (0.0, 0.0, 9.0)


def test_the_report_prints_the_same_numbers_as_json_and_markdown(
    two: EventLog, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    done = CliRunner().invoke(app, ["report", "--study", "demo", "--json"])
    told = json.loads(done.stdout)
    assert told["participants"] == 2
    assert told["findings"] == json.loads(json.dumps(found_in(two).plain()["findings"]))
    done = CliRunner().invoke(app, ["report", "--study", "demo", "--out", str(tmp_path / "r.md")])
    assert done.exit_code == 0, done.output
    words = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| word | 0 of 1, 0 % (0 % to 79 %) | 1 of 1, 100 % (21 % to 100 %) | 2 (one participant" in words
    for finding in told["findings"]:
        assert f"## {finding['title']}" in words and finding["counted"] in words
        assert all(said(figure) in words for figure in finding["figures"])
    done = CliRunner().invoke(app, ["report", "--study", "nine"])
    assert done.exit_code == 2
    assert "nobody who took part" in done.stderr.replace("\n", " ")
