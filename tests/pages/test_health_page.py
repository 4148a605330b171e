"""The health page: nothing measured says which command measures; what was kept is drawn, and red where it is off."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_sessions import room

from core.health import examine
from pages.parts.health import FIGURES, sheet
from pages.parts.rig import Rig
from study.health import Examiner, Progress, health_folder, keep_health, kept_health
from study.settings import settings_in


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


def test_what_was_measured_is_drawn_without_measuring_again(rig: Rig, measured: dict[str, Any]) -> None:
    keep_health(rig.examiner.folder, measured)
    test = room(rig, "staff/health.py")
    assert not test.exception
    assert not any("Nothing was measured" in each.value for each in test.caption)
    assert any("measured 20" in each.value for each in test.caption)


def test_a_figure_beyond_its_tolerance_is_marked_wrong_and_named(measured: dict[str, Any]) -> None:
    drawn = sheet(measured)
    assert '<b class="wrong">Beyond its tolerance: Explained variance, ce_recovered.</b>' in drawn
    assert drawn.count("<tr class=wrong>") == 2
    assert "a &lt;card&gt;" in drawn
    assert "The file never passed the gate" in drawn
    assert drawn.count("not measured") == 1
    assert set(measured["figures"]) <= set(FIGURES)


def test_a_measurement_in_the_background_is_kept_and_can_be_stopped(tmp_path: Path) -> None:
    def measure(which: str, progress: Progress) -> Mapping[str, Any]:
        if which == "slow":
            while True:
                progress("waiting", 1, 3)
                time.sleep(0.01)
        progress("measuring", 1, 1)
        return {"version": 1, "bundle": "b" * 64, "dictionary": which}

    examiner = Examiner(tmp_path / "health", measure)
    run = examiner.start(["quick", "slow"])
    deadline = time.monotonic() + 20
    while run.stage != "waiting" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert examiner.start(["another"]) is run, "one at a time"
    examiner.stop()
    examiner.wait(20)
    assert run.state == "stopped"
    assert kept_health(tmp_path / "health", "b" * 64, "quick") is not None
    assert kept_health(tmp_path / "health", "b" * 64, "slow") is None


def test_a_measurement_that_fails_says_so(tmp_path: Path) -> None:
    def measure(which: str, progress: Progress) -> Mapping[str, Any]:
        raise ZeroDivisionError(which)

    examiner = Examiner(tmp_path, measure)
    run = examiner.start(["one"])
    examiner.wait(20)
    assert run.state == "failed"
    assert "own log" in run.reason


def test_health_lies_where_the_files_are(tmp_path: Path) -> None:
    named = settings_in({"TILLER_FILES": str(tmp_path), "TILLER_DATABASE_URL": "sqlite:////elsewhere/t.db"})
    assert health_folder(named) == tmp_path / "health"
    beside = settings_in({"TILLER_DATABASE_URL": f"sqlite:///{tmp_path}/t.db"})
    assert health_folder(beside) == tmp_path / "health"
