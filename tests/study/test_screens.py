"""What was on a screen is told from whole acts, and an act that leaves a screen is shown on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.history import history_in
from study.interventions import perform
from study.log import EventLog
from study.screens import act_at, screen_at
from study.script import StudyScript, load_script, script_in
from study.scripts import script_of
from study.session import Step, session_in
from study.session_events import ConsentGiven, ConsentShown, SessionCompleted, SessionStarted
from study.task_events import ResponseChanged, ResponseSubmitted, TaskSubmitted

SCRIPT = """
schema: tiller-study/1
study: {id: demo, version: "1.0.0", title: A study, stage: pilot, contact: nobody}
welcome: Welcome.
consent: {text: consent.md, scopes: [{key: log, required: true, label: Record it.}]}
tasks:
  word:
    picture: word
    goal: Find out.
    tools: [attribution, suppress, amplify, undo, redo, reset]
    answers:
      - {id: cause, type: free_text, label: "What was it?"}
      - {id: sure, type: slider, label: "How sure?", min: 0, max: 100}
debrief: Thanks.
"""


@pytest.fixture
def script(tmp_path: Path) -> StudyScript:
    (tmp_path / "consent.md").write_text("We keep it.", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(SCRIPT, encoding="utf-8")
    return load_script(tmp_path / "s.yaml")


@pytest.fixture
def walked(
    fresh_log: EventLog, bench: Bench, act: Callable[..., Act], start: Callable[..., SessionStarted]
) -> tuple[EventLog, dict[str, int]]:
    """A whole session, and the row that each of its moments begins with."""
    log, rows = fresh_log, dict[str, int]()

    def write(name: str, *events: object) -> None:
        rows[name] = log.append("s1", *events, key=name)[0].seq  # pyright: ignore[reportArgumentType]

    def do(name: str, *what: object) -> None:
        rows[name] = perform(log, "s1", act(*what), bench).records[0].seq

    write("started", start())
    write("shown", ConsentShown(text_sha256="t", scopes=("log",)))
    write("agreed", ConsentGiven(scope="log", text_sha256="t"))
    write("opened", *opening(bench, image="p.webp", labels=("apple", "boat", "car")))
    do("suppressed", "edit", 2, 0.0)
    do("undone", "undo")
    do("left", "answer")
    write("draft", ResponseChanged(task="word", item="cause", text="The ba"))
    write("back and on", ResponseChanged(task="word", item="cause", text="The badge"))
    given = (
        ResponseSubmitted(task="word", item="cause", text="The badge."),
        ResponseSubmitted(task="word", item="sure", number=40.0),
    )
    write("handed in", *given, TaskSubmitted(task="word"), SessionCompleted())
    return log, rows


STEPS = {
    "started": Step.CONSENT,
    "shown": Step.CONSENT,
    "agreed": Step.CONSENT,
    "opened": Step.BRIEFING,
    "suppressed": Step.WORKSPACE,
    "undone": Step.WORKSPACE,
    "left": Step.ANSWER,
    "draft": Step.ANSWER,
    "handed in": Step.ANSWER,
}


def test_each_row_is_shown_on_its_screen(walked: tuple[EventLog, dict[str, int]], script: StudyScript) -> None:
    log, rows = walked
    records = log.read("s1")
    assert {name: screen_at(records, rows[name], script).place.step for name in STEPS} == STEPS
    assert screen_at(records, records[-1].seq, script).place.step is Step.DONE


def test_no_act_is_seen_half_done(walked: tuple[EventLog, dict[str, int]], script: StudyScript) -> None:
    log, rows = walked
    records = log.read("s1")
    applied = rows["suppressed"]
    assert records[applied].name == "model.predicted"  # the row after it, of the same act
    both = [screen_at(records, seq, script) for seq in (applied, applied + 1)]
    assert both[0].records == both[1].records == records[: applied + 1]
    assert [edit.component for edit in history_in(both[0].records, "word").plan] == [2]
    assert act_at(records, applied - 1) == act_at(records, applied) == (applied - 1, applied + 1)


def test_answers_stand_as_far_as_they_were_typed(walked: tuple[EventLog, dict[str, int]], script: StudyScript) -> None:
    log, rows = walked
    records = log.read("s1")

    def said(seq: int) -> list[object]:
        answers = screen_at(records, seq, script).answers
        return [(item, one.text or one.number) for item, one in answers.items()]

    assert said(rows["left"]) == []
    assert said(rows["draft"]) == [("cause", "The ba")]
    assert said(rows["back and on"]) == [("cause", "The badge")]
    for row in (rows["handed in"], rows["handed in"] + 1):  # two answers, one press
        assert said(row) == [("cause", "The badge."), ("sure", 40.0)]


def test_consent_is_shown_with_what_was_answered(walked: tuple[EventLog, dict[str, int]], script: StudyScript) -> None:
    log, rows = walked
    records = log.read("s1")
    assert screen_at(records, rows["shown"], script).place.consented == frozenset()
    assert screen_at(records, rows["agreed"], script).place.consented == {"log"}


def test_folding_the_rows_of_a_screen_gives_its_place(
    walked: tuple[EventLog, dict[str, int]], script: StudyScript
) -> None:
    log, rows = walked
    records = log.read("s1")
    for name in ("suppressed", "undone", "left", "draft"):
        screen = screen_at(records, rows[name], script)
        assert screen.place == session_in(screen.records, script)


def test_a_script_reads_back_from_the_record(fresh_log: EventLog, script: StudyScript) -> None:
    fresh_log.keep_script(script)
    found = script_of(fresh_log, script.sha256)
    assert found is not None
    assert asdict(found) == asdict(script)
    assert script_in(script.json).sha256 == script.sha256
    assert script_of(fresh_log, "5c") is None
