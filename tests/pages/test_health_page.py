"""The health page: nothing measured says which command measures; what was kept is drawn, and red where it is off."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from test_sessions import room
from tiny_world import TinyWorld
from typer.testing import CliRunner

from core.health import examine
from core.overview.survey import Survey
from pages.parts.health import sheet
from pages.parts.health_plots import blocks, spread
from pages.parts.rig import Rig
from study.__main__ import app
from study.examinations import HEALTH, OVERVIEW, Examiner, Kind, Progress, found_folder, found_of, keep_found
from study.settings import settings_in
from study.trust import FIGURES, trust_in


@pytest.fixture
def measured(rig: Rig) -> dict[str, Any]:
    which, bundle = next(iter(rig.bundles.items()))
    published = {
        "explained": {"value": 0.99, "tolerance": 0.01, "source": "a <card>"},
        "accuracy": {"value": 0.5, "tolerance": 1.0, "source": ""},
        "ce_recovered": {"value": 1.0, "tolerance": 0.1, "source": ""},
    }
    return examine(replace(bundle, published=published), which).as_json()


def test_where_nothing_was_measured_the_command_is_named(rig: Rig) -> None:
    test = room(rig, "staff/health.py")
    assert not test.exception
    assert any("tiller doctor" in each.value and "Nothing was measured" in each.value for each in test.caption)


def test_a_stopped_doctor_has_said_at_once_what_it_does_and_says_what_is_kept(
    rig: Rig, world: TinyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("TILLER_DATABASE_URL", str(rig.log.engine.url))
    monkeypatch.setattr("core.bundle.load_bundle", stopped)
    done = CliRunner().invoke(app, ["doctor", "--bundle", str(world.bundle)])
    first, *_, last = done.stderr.strip().splitlines()
    assert done.exit_code == 130 and done.stdout == ""
    assert first.startswith("Measuring spatial of ") and "is kept in " in first
    assert last == "tiller: Stopped. Nothing was found so far that can be kept; not measured to the end: spatial."


def test_what_was_measured_is_drawn_without_measuring_again(rig: Rig, measured: dict[str, Any]) -> None:
    keep_found(rig.examiner.folder, measured)
    test = room(rig, "staff/health.py")
    assert not test.exception
    assert not any("Nothing was measured" in each.value for each in test.caption)
    assert any("measured 20" in each.value for each in test.caption)


def test_a_figure_beyond_its_tolerance_is_marked_wrong_and_named(measured: dict[str, Any]) -> None:
    drawn = sheet(measured)
    assert '<b class="wrong">Beyond its tolerance: explained variance, pooled; ce_recovered.</b>' in drawn
    assert drawn.count("<tr class=wrong>") == 2
    assert "a &lt;card&gt;" in drawn
    assert "The file never passed the gate" in drawn
    assert drawn.count("not measured") == 1
    assert set(measured["figures"]) <= set(FIGURES)


def test_where_nothing_was_published_no_column_waits_for_it(measured: dict[str, Any]) -> None:
    drawn = sheet(measured | {"published": []})
    assert "<h2>Measured</h2>" in drawn and "Published" not in drawn
    assert "Published</th>" in sheet(measured)


def test_the_sheet_says_what_to_trust_and_on_how_many_pictures_the_curves_rest(measured: dict[str, Any]) -> None:
    assert escape(trust_in(measured)) in sheet(measured)
    told = [one | {"pictures": 12, "left_out": 4} for one in measured["curves"]]
    assert "over 12 of 16 pictures; 4 left out" in sheet(measured | {"curves": told})
    none = {"value": None, "low": None, "high": None}
    blank = {"pictures": 0, "left_out": 16, "insertion_area": none, "deletion_area": none}
    empty = sheet(measured | {"curves": [one | blank for one in measured["curves"]]})
    assert "Nothing can be drawn: over 0 of 16 pictures" in empty and "<svg" in empty


@pytest.mark.parametrize(
    "wanted", [[], [20], [20, 90], [100, 101, 102, 103, 104], [149.0] * 5, [20, 21, 148, 149, 150]]
)
def test_names_beside_the_curves_lie_neither_on_one_another_nor_on_the_axis(wanted: list[float]) -> None:
    placed = spread(wanted, 150)
    assert len(placed) == len(wanted) and all(each <= 150 for each in placed)
    assert all(after - before >= 14 for before, after in pairwise(placed))


def test_the_own_block_is_named_and_no_number_touches_the_name() -> None:
    drawn = blocks({"elsewhere": {str(block): block / 12 for block in range(12)}, "block": 11})
    assert ">block 11<" in drawn and ">9<" in drawn and ">10<" not in drawn


def test_a_measurement_in_the_background_is_kept_and_can_be_stopped(tmp_path: Path) -> None:
    def measure(which: str, progress: Progress) -> Mapping[str, Any]:
        if which == "slow":
            while True:
                progress("waiting", 1, 3)
                time.sleep(0.01)
        progress("measuring", 1, 1)
        return {"version": 1, "bundle": "b" * 64, "dictionary": which}

    examiner = Examiner(HEALTH, tmp_path / "health", measure)
    run = examiner.start(["quick", "slow"])
    deadline = time.monotonic() + 20
    while run.stage != "waiting" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert examiner.start(["another"]) is run, "one at a time"
    examiner.stop()
    examiner.wait(20)
    assert run.state == "stopped"
    assert found_of(tmp_path / "health", HEALTH, "b" * 64, "quick") is not None
    assert found_of(tmp_path / "health", HEALTH, "b" * 64, "slow") is None


@pytest.mark.parametrize("kind", [HEALTH, OVERVIEW], ids=lambda kind: kind.name)
def test_how_much_is_done_never_goes_back_and_the_stages_are_as_many_as_are_told(
    rig: Rig, tmp_path: Path, kind: Kind
) -> None:
    which, bundle = next(iter(rig.bundles.items()))
    seen, stages = list[float](), set[str]()

    def found(progress: Progress) -> dict[str, Any]:
        if kind is HEALTH:
            return examine(bundle, which, progress=progress).as_json()
        return Survey.of(bundle, which, progress=progress).whole()

    def measure(name: str, progress: Progress) -> Mapping[str, Any]:
        def noted(stage: str, done: int, steps: int) -> None:
            progress(stage, done, steps)
            assert examiner.run is not None
            seen.append(examiner.run.share)
            stages.add(stage)

        return found(noted) | {"dictionary": name}

    examiner = Examiner(kind, tmp_path, measure)
    run = examiner.start(["one", "two"])
    examiner.wait(60)
    assert run.state == "finished" and len(stages) == kind.stages
    assert seen == sorted(seen) and seen[0] < 0.1 and seen[-1] == run.share == 1.0


def test_a_measurement_that_fails_says_so(tmp_path: Path) -> None:
    def measure(which: str, progress: Progress) -> Mapping[str, Any]:
        raise ZeroDivisionError(which)

    examiner = Examiner(HEALTH, tmp_path, measure)
    run = examiner.start(["one"])
    examiner.wait(20)
    assert run.state == "failed"
    assert "own log" in run.reason


def test_health_lies_where_the_files_are(tmp_path: Path) -> None:
    named = settings_in({"TILLER_FILES": str(tmp_path), "TILLER_DATABASE_URL": "sqlite:////elsewhere/t.db"})
    assert found_folder(named, HEALTH) == tmp_path / "health"
    beside = settings_in({"TILLER_DATABASE_URL": f"sqlite:///{tmp_path}/t.db"})
    assert found_folder(beside, HEALTH) == tmp_path / "health"
