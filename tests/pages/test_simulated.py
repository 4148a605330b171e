"""Simulated participants take part on the real engine; what they leave is a record like any other, marked as theirs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pages.parts.rig import Rig
from study.__main__ import app
from study.records import Record
from study.strategies import codes_of
from study.units import units_in


def run(*words: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done.stdout if status == 0 else done.stderr.replace("\n", " ")


@pytest.fixture
def simulated(rig: Rig, world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Record, ...]]:
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")
    monkeypatch.setenv("TILLER_BUNDLE", str(world.bundle))
    monkeypatch.setenv("TILLER_STUDY", str(world.script))
    sessions = json.loads(run("simulate", "--n", "4", "--seed", "3", "--json"))["sessions"]
    read = {session: rig.log.read(session) for session in sessions}
    assert {session: len(records) for session, records in read.items()} == sessions
    return read


def acts(records: tuple[Record, ...]) -> list[tuple[str, object]]:
    return [(record.name, record.row["target"]) for record in records]


def test_each_walks_the_whole_study_as_a_bot(simulated: dict[str, tuple[Record, ...]], rig: Rig) -> None:
    for records in simulated.values():
        names = [record.name for record in records]
        assert (names[0], names[-1]) == ("session.started", "session.completed")
        assert names.count("task.submitted") == len(rig.script.tasks)
        assert {record.row["mode"] for record in records} == {"bot"}
        assert any(name == "intervention.applied" for name in names)
        assert rig.log.verify(records[0].session_id).whole


def test_the_same_seed_chooses_the_same_and_personas_differ(simulated: dict[str, tuple[Record, ...]], rig: Rig) -> None:
    first, second, *_ = simulated.values()
    again = json.loads(run("simulate", "--n", "1", "--seed", "3", "--json"))["sessions"]
    assert [acts(rig.log.read(session)) for session in again] == [acts(first)]
    assert acts(first) != acts(second)
    moves = {code.name for records in simulated.values() for code in codes_of(units_in(records))}
    assert {"suppress", "undo", "isolate"} <= moves


def test_what_they_saw_replays_bit_for_bit(simulated: dict[str, tuple[Record, ...]]) -> None:
    for session in simulated:
        found = json.loads(run("replay", "--session", session, "--json"))
        assert found["verdict"] == "BIT_EXACT"
        assert found["counts"]["BIT_EXACT"] == len(found["events"]) > 0


def test_they_are_no_data_unless_asked_for(simulated: dict[str, tuple[Record, ...]], tmp_path: Path) -> None:
    def sessions(*more: str) -> set[str]:
        run("export", "--out", tmp_path / "out", *more)
        with (tmp_path / "out" / "events.csv").open(encoding="utf-8", newline="") as file:
            return {row["session_id"] for row in csv.DictReader(file)}

    assert sessions() == set()
    assert sessions("--also", "bot") == set(simulated)
    assert sessions("--also", "preview") == set()
    assert "there are preview and bot" in run("export", "--out", tmp_path, "--also", "human", status=2)
