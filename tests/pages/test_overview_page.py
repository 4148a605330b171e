"""The overview's page and report say what was measured, in fixed words, and suspect bias only beyond the sham."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from test_sessions import room
from tiny_world import TinyWorld
from typer.testing import CliRunner

from core.overview.survey import Survey
from core.types import TillerError
from pages.parts.overview_sheet import sheet
from pages.parts.rig import Rig
from study.__main__ import app
from study.examinations import OVERVIEW, Examiner, Progress, found_of, keep_found
from study.overview_report import report_of, verdict_of

CLASS_HEADS = ["Key attributes", "Context", "Over-represented elements", "Suspected bias", "What this rests on"]
FAILURE_HEADS = ["What pushes to the mistakes", "Slices", "Suspected bias", "What this rests on"]


@pytest.fixture
def whole(rig: Rig) -> dict[str, Any]:
    which, bundle = next(iter(rig.bundles.items()))
    return json.loads(json.dumps(Survey.of(bundle, which).whole(), allow_nan=False))


def share(hits: int, trials: int, low: float, high: float) -> dict[str, Any]:
    return {"hits": hits, "trials": trials, "value": hits / trials, "low": low, "high": high}


def trial(**changes: Any) -> dict[str, Any]:
    return {
        "components": [{"component": 714, "name": "corner badge"}],
        "chosen": ["a", "b"],
        "measured": ["c", "d", "e"],
        "moved": share(3, 3, 0.44, 1.0),
        "sham": share(0, 3, 0.0, 0.56),
        "shams": [0] * 8,
        "more": {"value": 1.0, "low": 0.2, "high": 1.0},
        "broken": share(1, 50, 0.0, 0.1),
        "after": ["car"] * 3,
        "beyond_sham": True,
        **changes,
    }


def test_bias_is_suspected_only_where_the_plan_does_more_than_its_sham() -> None:
    asked = {"kind": "false calls", "pictures": 5, "why": "", "trial": trial()}
    verdict, said = verdict_of(asked, "clock")
    assert verdict == "Suspected bias"
    assert "turns right 3 of 3 of the others (44 to 100 %); shams of the same size turn right 0 of 3" in said
    assert "The difference is 100 points (20 to 100)." in said
    even = trial(sham=share(2, 3, 0.21, 0.94), more={"value": 0.33, "low": -0.3, "high": 0.79}, beyond_sham=False)
    verdict, said = verdict_of({**asked, "trial": even}, "clock")
    assert verdict == "No suspected bias"
    assert "(\u221230 to 79)" in said
    assert verdict_of({**asked, "trial": None, "why": "few"}, "clock")[0] == "Not tested"
    assert verdict_of({**asked, "trial": None, "why": "nothing"}, "clock")[0] == "No suspected bias"


def test_a_single_cue_is_called_one_and_a_slice_of_another_class_says_why_it_is_here(whole: dict[str, Any]) -> None:
    account = next(each for each in whole["classes"].values() if each["attributes"] or each["context"])
    label, cue = account["class"], (account["attributes"] or account["context"])[0]
    plain = copy.deepcopy(account) | {"slices": []}
    one, two = (report_of(plain | {"attributes": [cue] * many}) for many in (1, 2))
    said = f"That is one cue: nothing else bears out that {label} is told by what #{cue['component']}"
    assert said in one and "its name is a guess." in one and "one cue" not in two
    held = {"number": 1, "shown": {label: 2, "kite": 1}, "pictures": ["a", "b", "c"], "trial": trial(), "why": ""}
    for called, why in (({"kite": 3}, True), ({label: 3}, False)):
        report = report_of(plain | {"slices": [held | {"called": called}]})
        assert (f"It stands here because 2 pictures of it show {label}." in report) is why


def test_each_report_has_its_fixed_headings_and_what_it_rests_on(rig: Rig, whole: dict[str, Any]) -> None:
    bundle = next(iter(rig.bundles.values()))
    for account in (whole["failures"], *whole["classes"].values()):
        report = report_of(account)
        heads = [line[3:] for line in report.splitlines() if line.startswith("## ")]
        assert heads == (CLASS_HEADS if account["of"] == "class" else FAILURE_HEADS)
        assert bundle.sae.digest[:8] in report
        assert bundle.fingerprint["bundle"][:8] in report
        assert "seed 0" in report
        assert "nan" not in report.lower().replace("banana", "")


def test_every_figure_of_a_component_stands_in_its_line(whole: dict[str, Any]) -> None:
    account = next(one for one in whole["classes"].values() if one["attributes"] or one["context"])
    lines = report_of(account).splitlines()
    for each in (*account["attributes"], *account["context"]):
        (line,) = [one for one in lines if one.startswith(f"- **#{each['component']} ") and "logits" in one]
        for value in each["mean"].values():
            assert f"{value:.2f}".replace("-", "\u2212") in line
        assert f"{each['active']['hits']} of {each['active']['trials']}" in line


def test_the_sheet_escapes_names_and_names_only_pictures_of_the_account(rig: Rig, whole: dict[str, Any]) -> None:
    account = copy.deepcopy(whole["failures"])
    assert account["pushing"]
    account["pushing"][0]["name"] = "<script>"
    bundle = next(iter(rig.bundles.values()))
    drawn = sheet(account, bundle)
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    for one in whole["classes"].values():
        assert f"speak for {one['class']} too" in sheet(one, bundle)


def test_where_nothing_was_made_the_command_is_named_and_what_is_kept_is_drawn(rig: Rig, whole: dict[str, Any]) -> None:
    test = room(rig, "staff/overview.py")
    assert not test.exception
    assert any("tiller overview" in each.value for each in test.caption)
    keep_found(rig.surveyor.folder, whole)
    test = room(rig, "staff/overview.py")
    assert not test.exception
    assert test.selectbox(key="overview-of").options == ["All failures", *whole["classes"]]
    label = next(iter(whole["classes"]))
    test.selectbox(key="overview-of").set_value(label).run()
    assert not test.exception
    assert any(f"Of {label}" in each.value or f"show {label}" in each.value for each in test.markdown)


def test_an_overview_in_the_background_is_kept_and_can_be_stopped(tmp_path: Path) -> None:
    def survey(which: str, progress: Progress) -> Mapping[str, Any]:
        while which == "slow":
            progress("waiting", 1, 3)
            time.sleep(0.01)
        return {"version": 1, "bundle": "b" * 64, "dictionary": which}

    surveyor = Examiner(OVERVIEW, tmp_path, survey)
    run = surveyor.start(["quick", "slow"])
    deadline = time.monotonic() + 20
    while run.stage != "waiting" and time.monotonic() < deadline:
        time.sleep(0.01)
    surveyor.stop()
    surveyor.wait(20)
    assert run.state == "stopped"
    assert found_of(tmp_path, OVERVIEW, "b" * 64, "quick") is not None
    assert found_of(tmp_path, OVERVIEW, "b" * 64, "slow") is None


def test_a_class_that_is_not_there_is_refused(rig: Rig) -> None:
    which, bundle = next(iter(rig.bundles.items()))
    with pytest.raises(TillerError, match="name one of them"):
        Survey.of(bundle, which).of_class("zeppelin")


def test_the_command_writes_the_report_of_the_classes_that_are_named(world: TinyWorld, tmp_path: Path) -> None:
    label = json.loads((world.bundle / "bundle.json").read_text())["labels"][0]
    words = ["overview", "--bundle", str(world.bundle), "--class", label, "--out", str(tmp_path / "r.md"), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (account,) = json.loads(done.stdout)["accounts"]
    assert (account["of"], account["class"]) == ("class", label)
    assert (tmp_path / "r.md").read_text() == report_of(account)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "nowhere/report.md"], "in a folder that is there"),
        (["--out", "report.txt"], "name a .md file"),
        (["--out", str(Path(__file__).parents[2] / "README.md")], "replace with --overwrite"),
        (["--class", "zeppelin"], "'zeppelin' was asked for"),
        (["--dictionary", "oxford"], "'oxford' was asked for"),
        (["--bundle", "nowhere"], "No bundle at nowhere"),
    ],
)
def test_what_is_wrong_is_said_before_torch_is_imported(
    world: TinyWorld, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.setitem(sys.modules, "core.bundle", None)  # whoever imports it now fails
    done = CliRunner().invoke(app, ["overview", "--bundle", str(world.bundle), *words])
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
