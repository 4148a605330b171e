"""The findings of sessions that were made, and counted, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.__main__ import app
from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.interventions import perform
from study.log import EventLog
from study.report import find
from study.session_events import SessionCompleted, SessionStarted
from study.task_events import ExplanationViewed, TaskSubmitted

LABELS = ("apple", "boat", "car")


@pytest.fixture
def two(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> EventLog:
    """P01 repairs it at the second setting and spoils it at the third; P02 amplifies, never repairs, never hands in.

    The toy model says apple; it should say boat, which it does once component 0 is scaled below 0.
    """
    viewed = ExplanationViewed(task="word", view="gradient", toward="apple", against="boat", components=(0, 1))
    for name in ("P01", "P02"):
        start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=name)
        fresh_log.append(name, start, key="start")
        fresh_log.append(name, *opening(bench, image="7f.png", labels=LABELS), key="open")
        fresh_log.append(name, viewed, key="viewed")
    for step in (act("inspect", 0), act("edit", 0, 0.5), act("edit", 0, -1), act("undo")):
        perform(fresh_log, "P01", step, bench)
    fresh_log.append("P01", TaskSubmitted(task="word"), SessionCompleted(), key="submit")
    for step in (act("edit", 1, 1.5), act("overlay", 1, overlay="fires")):
        perform(fresh_log, "P02", step, bench)
    return fresh_log


def test_findings_are_those_counted_by_hand(two: EventLog) -> None:
    found = find([two.read("P01"), two.read("P02")]).plain()
    assert (found["participants"], found["completed"]) == (2, 1)
    assert {name: rate["hits"] for name, rate in found["dominant"].items()} == {
        "suppress": 1,
        "amplify": 1,
        "set": 0,
        "mixed": 0,
        "none": 0,
    }
    times = {name: one["times"] for name, one in found["strategies"].items() if one["times"]}
    assert times == {"suppress": 2, "amplify": 1, "undo": 1, "isolate": 3}
    assert found["strategies"]["undo"]["participants"]["hits"] == 1
    # only P01 handed the task in: right at the second setting, and wrong again after the undo
    word = found["tasks"]["word"]
    assert (word["attempts"], word["ever_repaired"]["hits"], word["repaired"]["hits"]) == (1, 1, 0)
    assert (word["median_steps_to_repair"], word["inspections"], word["interventions"]) == (2, 1, 2)
    assert word["median_seconds"] == 9.0, "a second an act: six of P01 after the start, three of P02 between"
    assert found["by_order"]["1"] == word


def test_a_stream_without_a_participant_counts_nowhere(fresh_log: EventLog) -> None:
    fresh_log.append("stray", TaskSubmitted(task="word"), key="k")
    assert find([fresh_log.read("stray")]).participants == 0


def test_two_leading_directions_are_mixed_and_no_setting_is_none(
    fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], start: Callable[..., SessionStarted]
) -> None:
    fresh_log.append("still", start(participant="P02"), key="start")
    perform(fresh_log, session, act("edit", 1, 0), bench)
    perform(fresh_log, session, act("edit", 2, 2), bench)
    dominant = find([fresh_log.read(session), fresh_log.read("still")]).dominant
    assert dict(dominant) == {"mixed": 1, "none": 1}


def test_the_command_prints_json_or_writes_markdown(
    two: EventLog, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    done = CliRunner().invoke(app, ["report", "--study", "demo", "--json"])
    assert json.loads(done.stdout)["participants"] == 2
    done = CliRunner().invoke(app, ["report", "--study", "demo", "--out", str(tmp_path / "r.md")])
    assert done.exit_code == 0, done.output
    words = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| word | 1 | 0 of 1 (0%; 0% to 79%) | 1 of 1 (100%; 21% to 100%) | 2 | 0:09 | 1 | 2 |" in words
    done = CliRunner().invoke(app, ["report", "--study", "nine"])
    assert done.exit_code == 2
    assert "nobody who took part" in done.stderr.replace("\n", " ")
