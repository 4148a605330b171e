"""The paper's two tasks: what `study check` says while pictures and preset are missing, and once they are there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.pictures import open_image
from study.__main__ import app

HOME = Path(__file__).parents[2] / "data"
PICTURES = ("banana-zebra.png", "banana-blank.png", "doctor.jpg")


@pytest.fixture
def paper(tmp_path, monkeypatch) -> Path:
    shutil.copytree(HOME / "studies" / "paper", tmp_path / "paper")
    for name in PICTURES:  # a researcher's own may lie there
        (tmp_path / "paper" / name).unlink(missing_ok=True)
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    monkeypatch.setenv("TILLER_BUNDLE", str(HOME / "demo"))
    return tmp_path / "paper" / "paper.yaml"


def check(path: Path) -> tuple[int, dict]:
    done = CliRunner().invoke(app, ["study", "check", str(path), "--json"])
    return done.exit_code, json.loads(done.stdout or '{"mistakes": []}') | {"stderr": done.stderr}


def put_pictures(folder: Path, names: tuple[str, ...] = PICTURES) -> None:
    picture = open_image(HOME / "demo" / "images" / "f1a167ad0bb5.webp")
    for turn, name in enumerate(names):
        picture.rotate(3 * turn).save(folder / name)


def put_preset(folder: Path, monkeypatch) -> None:
    """The demo's bundle that says it is the preset: its files linked, its description changed."""
    folder.mkdir()
    for path in (HOME / "demo").iterdir():
        if path.name != "bundle.json":
            (folder / path.name).symlink_to(path)
    said = json.loads((HOME / "demo" / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**said, "preset": "clip-b32"}))
    monkeypatch.setenv("TILLER_BUNDLE", str(folder))


def test_each_missing_picture_and_the_missing_preset_are_named_once_with_what_to_do(paper) -> None:
    code, told = check(paper)
    assert code == 2 and len(told["mistakes"]) == 4
    for name in PICTURES:
        (line,) = [one for one in told["mistakes"] if name in one]
        assert re.search(r"put it there: .{30}", line)
    (preset,) = [one for one in told["mistakes"] if "preset" in one]
    assert "tiller fetch clip-b32" in preset


def test_one_missing_picture_is_one_sentence(paper, tmp_path, monkeypatch) -> None:
    put_pictures(paper.parent, PICTURES[:2])
    put_preset(tmp_path / "bundle", monkeypatch)
    code, told = check(paper)
    assert code == 2 and len(told["mistakes"]) == 1 and "doctor.jpg" in told["mistakes"][0]


def test_a_missing_preset_alone_is_one_sentence(paper) -> None:
    put_pictures(paper.parent)
    code, told = check(paper)
    assert code == 2 and told["stderr"].count("runtime.preset") == 1 and "tiller fetch clip-b32" in told["stderr"]


def test_with_pictures_and_preset_there_is_no_mistake(paper, tmp_path, monkeypatch) -> None:
    put_pictures(paper.parent)
    put_preset(tmp_path / "bundle", monkeypatch)
    code, told = check(paper)
    assert code == 0, told
    stops = [stop["id"] for stop in told["stops"]]
    assert (
        stops.index("learn_to_look") < stops.index("doctor_look") < stops.index("learn_to_act") < stops.index("doctor")
    )


def test_the_server_is_warm_though_the_reference_shows_other_classes(paper, tmp_path, monkeypatch) -> None:
    import os

    from app import build, warm

    put_pictures(paper.parent)
    put_preset(tmp_path / "bundle", monkeypatch)
    monkeypatch.setenv("TILLER_STUDY", str(paper))
    rig = build(os.environ)
    warm(rig)
    assert {task.label for name, task in rig.tasks.items() if name in PICTURES} == {"banana", "doctor"}
