"""A rehearsal passes what is sound, in spite of a death at every moment, and names what is not in one sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import planted
import pytest
from typer.testing import CliRunner

from core.types import TillerError
from study.__main__ import app
from study.database import connect
from study.log import EventLog
from study.preflight import has_passed, refuse_unrehearsed, ways_of
from study.reconciliation import codes
from study.rehearsal import rehearse
from study.route import factors_of
from study.script import load_script

STUDY = """
schema: tiller-study/1
study: {id: small, version: "1.0.0", title: Small, contact: us}
ids: {completion: {completed: C-1, no_consent: C-2, withdrawn: C-4}}
welcome: Hello.
consent:
  text: consent.md
  scopes: [{key: log, required: true, label: Record me}, {key: audio, required: false, label: Record my voice}]
think_aloud: {note: Speak., audio: true}
instruments: [{id: own, at: end, items: own.yaml}]
sequence:
  blocks:
    - {page: consent}
    - {page: text, id: read, text: Read this.}
    - {page: tutorial, id: try_it, task: practice}
    - {id: all, tasks: set_1}
task_sets: {set_1: {tasks: [one]}}
tasks:
  practice: &task
    picture: badge
    goal: Find out.
    tools: [attribution]
    answers: [{id: confidence, type: slider, label: "How sure?", min: 0, max: 100}]
  one: {<<: *task, picture: word, tools: [attribution, suppress, undo]}
debrief: Thank you.
"""
OWN = """
title: Our own
languages: [en]
version: "1.0.0"
direction: higher is better
licence: ours
citation: none
instruction: Say how it was.
scale: {drawn: points, min: 1, max: 5}
items: [It was clear., It was quick.]
scoring: mean
missing: refuse
"""
SLOW = pytest.mark.slow


@pytest.fixture
def study(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TILLER_BUNDLE", str(world.bundle))
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "consent.md").write_text("Read this.", encoding="utf-8")
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    path = tmp_path / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def faults(study: Path, log_of: type[EventLog] | None = None) -> dict[str, tuple[str, ...]]:
    checks = rehearse(study, lambda what, done, of: None, log_of)
    return {check.name: check.faults for check in checks if check.faults}


def preflight(study: Path, status: int) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["preflight", "--study", str(study), "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def record(study: Path) -> EventLog:
    return EventLog(connect(f"sqlite:///{study.with_name('log.db')}"))


def test_what_is_sound_passes_and_only_then_may_it_be_opened(study: Path) -> None:
    log, script = record(study), load_script(study)
    with pytest.raises(TillerError, match="has not passed a rehearsal as it stands now: run `tiller preflight"):
        refuse_unrehearsed(log, script)
    told = preflight(study, 0)
    assert told["passed"] and all(check["passed"] for check in told["checks"])
    counted = {check["name"]: check["counted"] for check in told["checks"]}
    ways, deaths = counted["every way walked to its end"].split(", ")
    assert ways == "3 ways" and int(deaths.split()[0]) > 80
    assert int(counted["every recording whole"]) == 8, "four pieces, at one go and with interruptions"
    assert log.sessions() == (), "the study's own record is not rehearsed in"
    refuse_unrehearsed(log, script)
    assert log.verify("preflight:small").whole
    changed = load_script(change(study, "Thank you.", "Thank you!"))
    assert not has_passed(log, changed)


@pytest.mark.parametrize(
    ("fault", "check", "sentence"),
    [
        pytest.param(
            planted.Dropping, "every acknowledged row stands once", "A row of the act submit/one/1 in ", marks=SLOW
        ),
        pytest.param(planted.Doubling, "no row that nobody asked for", "explanation.viewed, stands and", marks=SLOW),
        pytest.param(planted.Losing, "every recording whole", "piece 1: 000001.wav is missing.", marks=SLOW),
        (planted.Holding, "every way walked to its end", "Stop 'read' cannot be left: its text was done"),
    ],
)
def test_a_fault_of_the_record_is_named(study: Path, fault: type[EventLog], check: str, sentence: str) -> None:
    found = faults(study, fault)
    assert any(sentence in one for one in found[check]), found


def test_a_missing_code_is_named(study: Path) -> None:
    change(study, ", withdrawn: C-4", "")
    assert codes(load_script(study), {}).faults == (
        "A session can end as withdrawn, and ids.completion has no code for it.",
    )


def test_a_broken_questionnaire_is_named(study: Path) -> None:
    change(study.with_name("own.yaml"), "missing: refuse", "missing: guess")
    (check,) = preflight(study, 1)["checks"]
    assert (
        check["name"] == "the script can be read"
        and "instrument own" in check["faults"][0]
        and "missing: Input" in check["faults"][0]
    )


def test_a_tutorial_that_nobody_can_do_is_named_and_nothing_is_written_where_it_fails(study: Path) -> None:
    change(study, "task: practice}", "task: practice, require: {events: [intervention.undone]}}")
    told = {check["name"]: check["faults"] for check in preflight(study, 1)["checks"]}["every way walked to its end"]
    assert "Stop 'try_it' cannot be left: it asks for intervention.undone, and with attribution" in told[0]
    assert not study.with_name("log.db").exists()


def test_interrupted_it_leaves_nothing_behind(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aside").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "aside"))
    command = [sys.executable, "-m", "study", "preflight", "--study", str(study)]
    # A suite that runs in the background was told to ignore the key, and would hand that down.
    told = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, told)
    until = time.monotonic() + 90
    while not list((tmp_path / "aside").glob("tiller-preflight-*/notes.jsonl")) and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(30) != 0
    assert not list((tmp_path / "aside").glob("tiller-preflight-*"))
    assert not study.with_name("log.db").exists()


def test_the_ways_meet_every_level_every_language_and_both_consents() -> None:
    for path in (Path(__file__).parent / "bots_way" / "study.yaml", *Path("data/studies").glob("*.yaml")):
        script = load_script(path)
        ways = ways_of(script)
        met = {level for way in ways for level in way.slot.levels.items()}
        assert met == {(name, level) for name, many in factors_of(script).items() for level in range(many)}
        assert {way.bot.language for way in ways} == set(script.study.languages)
        assert [way.bot.refuses for way in ways][-1] is True
        if any(not scope.required for scope in script.consent.scopes):
            assert {way.bot.allows for way in ways if not way.bot.refuses} == {True, False}
