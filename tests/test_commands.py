"""The command line, as scripts call it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.__main__ import app

DEMO = Path(__file__).resolve().parent.parent / "data" / "demo"


def run(*words: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done.stdout if status == 0 else done.stderr


def asked(*words: str | Path) -> dict[str, object]:
    return json.loads(run(*words, "--json"))


@pytest.fixture(scope="module")
def picture() -> Path:
    return sorted((DEMO / "images").iterdir())[0]


@pytest.fixture(scope="module")
def active(picture: Path) -> list[int]:
    found = asked("attribute", picture, "--target", "apple", "--top", "5")
    return [component["index"] for component in found["components"]]


def test_no_edit_leaves_every_logit_and_the_state_as_they_are(picture: Path):
    result = asked("steer", picture)
    assert result["before"] == result["after"]
    assert result["state_before"] == result["state_after"]
    assert result["edit_norm_ratio"] == 0.0


def test_probabilities_are_the_softmax_of_the_logits(picture: Path):
    before = asked("steer", picture, "--labels", "apple,boat,car")["before"]
    assert before["labels"] == ["apple", "boat", "car"]
    weights = [2.718281828459045 ** (logit - max(before["logits"])) for logit in before["logits"]]
    assert before["probabilities"] == pytest.approx([weight / sum(weights) for weight in weights], abs=1e-9)


def test_suppress_is_set_zero_and_scale_zero(picture: Path, active: list[int]):
    ways = [asked("steer", picture, "--edit", f"{active[0]}:{way}") for way in ("suppress", "scale=0", "set=0")]
    assert ways[0]["after"] == ways[1]["after"] == ways[2]["after"] != ways[0]["before"]
    assert ways[0]["state_after"] == ways[1]["state_after"] == ways[2]["state_after"] != ways[0]["state_before"]


def test_the_order_in_which_edits_are_typed_does_not_matter(picture: Path, active: list[int]):
    one = asked("steer", picture, "--edit", f"{active[0]}:suppress", "--edit", f"{active[1]}:scale=2")
    two = asked("steer", picture, "--edit", f"{active[1]}:scale=2", "--edit", f"{active[0]}:suppress")
    assert one == two


def test_the_exact_view_sums_to_the_margin(picture: Path):
    found = asked("attribute", picture, "--target", "apple", "--against", "boat", "--view", "exact", "--top", "3")
    parts = sum(component["score"] for component in found["components"])
    parts += found["other"] + found["bias"] + found["error"] + found["constant"]
    assert parts == pytest.approx(found["margin"], abs=1e-4)
    assert found["total"] == pytest.approx(found["margin"], abs=1e-4)
    assert len(found["components"]) == 3


def test_the_margin_is_the_difference_of_the_two_logits(picture: Path):
    before = asked("steer", picture)["before"]
    logits = dict(zip(before["labels"], before["logits"], strict=True))
    for view in ("gradient", "integrated", "ablation"):
        found = asked("attribute", picture, "--target", "apple", "--against", "boat", "--view", view)
        assert found["margin"] == pytest.approx(logits["apple"] - logits["boat"], abs=1e-4)


def test_an_ablation_score_is_what_suppressing_takes_from_the_margin(picture: Path):
    found = asked("attribute", picture, "--target", "apple", "--against", "boat", "--view", "ablation", "--top", "1")
    best = found["components"][0]
    after = asked("steer", picture, "--edit", f"{best['index']}:suppress", "--scope", "all")["after"]
    logits = dict(zip(after["labels"], after["logits"], strict=True))
    assert found["margin"] - (logits["apple"] - logits["boat"]) == pytest.approx(best["score"], abs=1e-3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--edit", "99999:suppress"], "99999"),
        (["--edit", "1:suppress", "--edit", "1:scale=2"], "two edits"),
        (["--edit", "1:scale=nan"], "finite"),
        (["--labels", "apple,,car"], "empty"),
        (["--labels", "apple,apple"], "twice"),
        (["--template", "a photo"], "{}"),
        (["--edit", "1:suppress", "--scope", "patches=64"], "patch"),
        (["--sae", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--model", "ViT-Z", "--pretrained", "x", "--sae", "y.safetensors"], "y.safetensors"),
        (["--units", "metres"], "metres"),
    ],
)
def test_a_wrong_request_gets_one_sentence_and_status_2(picture: Path, words: list[str], said: str):
    refusal = run("steer", picture, *words, "--json", status=2)
    assert said in refusal
    assert "Traceback" not in refusal


@pytest.mark.parametrize(
    "words",
    [
        ["steer", "--template", "a photo"],
        ["steer", "--labels", "apple,Apple"],
        ["steer", "--edit", "99999:suppress"],
        ["attribute", "--target", "apple", "--template", "a photo"],
        ["attribute", "--target", "apple", "--labels", "apple"],
    ],
)
def test_a_wrong_request_is_refused_before_a_model_is_loaded(
    picture: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
):
    def load(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("core.instrument.load_instrument", load)
    run(words[0], picture, *words[1:], status=2)


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path):
    (tmp_path / "notes.png").write_text("not a picture")
    assert "notes.png" in run("steer", tmp_path / "notes.png", status=2)


def test_drawn_pictures_come_with_their_ground_truth(tmp_path: Path):
    run("demo", "draw", "--n", "4", "--seed", "3", "--out", tmp_path / "one")
    run("demo", "draw", "--n", "4", "--seed", "3", "--out", tmp_path / "two")
    tables = list((tmp_path / "one").glob("*.csv"))
    with tables[0].open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 4
    files = {path.name for path in (tmp_path / "one").iterdir()} - {tables[0].name}
    assert {row["file"] for row in rows} == files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
