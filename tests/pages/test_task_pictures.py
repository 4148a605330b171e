"""The pictures of tasks: the bundle's by kind, a script's own from beside it, and nothing from anywhere else."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from participants import Participant
from PIL import Image
from tiny_world import LABELS

from app import build
from core.types import TillerError
from pages.parts.gallery import encoded, url_of
from pages.parts.opened import bench_of, open_picture
from pages.parts.rig import Rig
from pages.parts.similar import similar_set
from study.decisions import opening
from study.replay import Verdict, replay
from study.script import ScriptError, load_script
from study.session import Step

Study = Callable[..., Path]


@pytest.fixture
def study(world: Any, tmp_path: Path) -> Study:
    """The tiny study with something else in it, in a folder of its own."""

    def written(*changes: tuple[str, str]) -> Path:
        text = world.script.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        for path in world.script.parent.glob("*.md"):
            shutil.copy(path, tmp_path)
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "study.yaml"

    return written


def rig_of(world: Any, script: Path, database: Path) -> Rig:
    return build(
        {
            **os.environ,
            "TILLER_DATABASE_URL": f"sqlite:///{database}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(script),
        }
    )


def first_picture(script: Path) -> str:
    return next(iter(load_script(script).tasks.values())).picture


OWN = "picture: mine/dog.png\n    shows: {label}"


def drawn(folder: Path) -> Path:
    (folder / "mine").mkdir()
    path = folder / "mine" / "dog.png"
    Image.radial_gradient("L").convert("RGB").resize((80, 64)).save(path)
    return path


def test_a_picture_beside_the_script_is_worked_on_and_goes_out_under_an_opaque_name(
    world: Any, study: Study, tmp_path: Path
) -> None:
    path = drawn(tmp_path)
    plain = rig_of(world, world.script, tmp_path / "first.db")
    label = next(iter(plain.bundles.values())).model.labels[0]
    kind = first_picture(world.script)
    script = study((f"picture: {kind}", OWN.format(label=label)))
    rig = rig_of(world, script, tmp_path / "own.db")
    task = next(iter(rig.script.tasks.values()))
    opened = open_picture(rig, task)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (opened.pinned.image_sha256, opened.truth) == (sha256, label)
    assert opened.picture == f"{sha256[:12]}.png" and encoded(rig, opened.picture, 448) is not None
    assert json.loads(rig.script.json)["pictures"] == {"mine/dog.png": sha256}
    who = Participant(rig).at(Step.BRIEFING)
    who.write(*opening(bench_of(rig, who.place), image=opened.picture, labels=opened.model.labels), key="o")
    who.act("edit", component=opened.shown[0].index, strength=0.0)
    ran = list(replay(rig.log.read(who.id), rig.run))
    assert [one.verdict for one in ran] == [Verdict.BIT_EXACT] * 2


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "mine/none.png"])
def test_a_picture_outside_of_the_scripts_folder_is_not_there(study: Study, tmp_path: Path, name: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path.parent / "secret.png")
    script = study(("picture: word", f"picture: {name}\n    shows: apple"))
    with pytest.raises(ScriptError, match=r"no picture .* lies beside the script"):
        load_script(script)


def test_a_link_out_of_the_folder_is_not_followed(study: Study, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path.parent / "secret.png")
    (tmp_path / "link.png").symlink_to(tmp_path.parent / "secret.png")
    with pytest.raises(ScriptError, match=r"no picture link\.png lies beside the script"):
        load_script(study(("picture: word", "picture: link.png\n    shows: apple")))


def test_a_picture_that_is_right_is_one_that_the_model_gets_right(world: Any, study: Study, tmp_path: Path) -> None:
    rig = rig_of(world, study(("picture: word", "picture: right")), tmp_path / "right.db")
    opened = open_picture(rig, next(iter(rig.script.tasks.values())))
    assert opened.target == opened.truth


def test_a_picture_that_is_not_there_is_named_with_those_that_are(world: Any, study: Study, tmp_path: Path) -> None:
    with pytest.raises(TillerError, match=r"'wodr' is not there; there are .*word.*right"):
        rig_of(world, study(("picture: word", "picture: wodr")), tmp_path / "none.db")


@pytest.mark.parametrize("counted", [True, False])
def test_like_failures_of_classes_that_a_task_has_not_are_named_before_anybody_comes(
    world: Any, study: Study, tmp_path: Path, counted: bool
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(world.bundle, folder)
    with (folder / "tasks.csv").open(newline="", encoding="utf-8") as file:
        word = next(row for row in csv.DictReader(file) if row["kind"] == "word")
    told = {"kind": "word", "file": word["file"], "truth": word["truth"], "similar": ["p001.png"]}
    classes = [label for label in LABELS if label != "hat"]
    assert word["truth"] != "hat"
    (folder / "tasks.json").write_text(json.dumps([told | {"similar_truth": ["hat"]}]), encoding="utf-8")
    own = f"    picture: word\n    labels: [{', '.join(classes)}]\n"
    script = study(("    picture: word\n", own), *(() if counted else [(", similar", "")]))
    environment = {"TILLER_BUNDLE": str(folder), "TILLER_STUDY": str(script)}
    made = {**os.environ, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'similar.db'}", **environment}
    if counted:
        with pytest.raises(TillerError, match=r"tasks\.secret_cause: the pictures that fail as p\d+\.png do.* hat"):
            build(made)
        return
    rig = build(made)
    opened = open_picture(rig, rig.script.tasks["secret_cause"])
    with pytest.raises(TillerError, match=r"^The pictures that fail as p\d+\.png does show hat, .*add those classes"):
        similar_set(rig, opened.bundle, opened.model, rig.tasks["word"])


def test_a_bundle_that_is_not_the_pinned_one_is_refused(world: Any, study: Study, tmp_path: Path) -> None:
    pinned = f"runtime: {{model_sha256: {'ab' * 32}}}\nwelcome:"
    with pytest.raises(TillerError, match=r"pins runtime\.model_sha256 to the digest abababababab; the bundle has"):
        rig_of(world, study(("welcome:", pinned)), tmp_path / "none.db")


def test_a_researchers_file_name_never_reaches_a_page(world: Any, tmp_path: Path) -> None:
    plain = rig_of(world, world.script, tmp_path / "names.db")
    rig = replace(plain, bundles={which: replace(one, own_pictures=False) for which, one in plain.bundles.items()})
    bundle = next(iter(rig.bundles.values()))
    for name in (bundle.reference.names[0], bundle.index[0].exemplars_top[0], next(iter(rig.tasks.values())).file):
        address = url_of(name, 448, bundle).rpartition("/")[2].partition("?")[0]
        assert re.fullmatch(r"[0-9a-f]{24}\.webp", address)
        assert encoded(rig, address, 448) == encoded(plain, name, 448) is not None
        assert encoded(rig, name, 448) is None
