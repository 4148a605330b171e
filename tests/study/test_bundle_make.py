"""`tiller bundle make`: one command from a model, foreign dictionaries and pictures to a bundle that opens."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file
from tiny import PRESETS, TINY
from typer.testing import CliRunner

from core import bundle, bundle_making, preset_file
from core.bundle import load_bundles
from core.checkpoints.decision import Decision
from core.fetching import fetch_preset
from core.preset_file import read_presets
from core.steering import look, steer
from core.types import Edit, SteeringPlan
from pages.parts.pictures import another_preset
from study.__main__ import app

D, K = 32, 64
PRISMA = {
    "model_name": "open-clip:somebody/tiny",
    "layer_subtype": "hook_resid_post",
    "activation_fn_str": "relu",
    "activation_fn_kwargs": {},
    "normalize_activations": None,
    "architecture": "standard",
    "d_in": D,
    "d_sae": K,
}
CLASSES = ("apple", "boat", "car")
BROKEN = "boat/007.png"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A model's folder, 270 pictures in a folder for each of three classes, one cut short, and two dictionaries."""
    home = tmp_path_factory.mktemp("bundle")
    (home / "tiny").mkdir()
    (home / "tiny" / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY, "preprocess_cfg": {}}))
    torch.manual_seed(0)
    save_file(open_clip.CLIP(**TINY).state_dict(), home / "tiny" / "open_clip_model.safetensors")
    draw = torch.Generator().manual_seed(1)
    for label in CLASSES:
        (home / "images" / label).mkdir(parents=True)
        for number in range(90):
            coarse = torch.randint(0, 255, (4, 4, 3), generator=draw, dtype=torch.uint8).numpy()
            Image.fromarray(coarse).resize((32, 32)).save(home / "images" / label / f"{number:03d}.png")
    whole = (home / "images" / BROKEN).read_bytes()
    (home / "images" / BROKEN).write_bytes(whole[:60])
    (home / "words.txt").write_text("red\ngreen\nstripes\n")
    prisma(home / "spatial", 1)
    prisma(home / "cls", 2, cls_token_only=True)
    return home


def prisma(folder: Path, block: int, *, rows: torch.Tensor | None = None, **changed: object) -> Path:
    """A ReLU dictionary of every direction and its opposite, which rebuilds whatever it is given."""
    folder.mkdir(parents=True)
    turned = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(block))).Q
    encoder = torch.cat([turned, -turned])
    tensors = {
        "W_enc": encoder.T.contiguous(),
        "b_enc": torch.zeros(K),
        "W_dec": encoder if rows is None else rows,
        "b_dec": 0.5 * torch.randn(D, generator=torch.Generator().manual_seed(4)),
    }
    torch.save(tensors, folder / "weights.pt")
    (folder / "config.json").write_text(json.dumps(PRISMA | {"hook_point_layer": block} | changed))
    return folder


@pytest.fixture
def words(home, tmp_path):
    """The command line for a bundle of both dictionaries, with what is given in place of an option's own words."""

    def given(**changed: object) -> list[str]:
        options: dict[str, object] = {
            "images": home / "images",
            "model": home / "tiny",
            "sae": [f"spatial={home / 'spatial'}", f"cls={home / 'cls'}"],
            "labels_from_folders": True,
            "vocabulary": home / "words.txt",
            "reference": 90,
            "batch": 32,
            "threads": 1,
        } | changed
        found = ["bundle", "make", str(tmp_path / "mine"), "--json"]
        for name, value in options.items():
            option = f"--{name.replace('_', '-')}"
            if isinstance(value, bool):
                found += [option] * value
            elif value is not None:
                found += [
                    each for one in (value if isinstance(value, list) else [value]) for each in (option, str(one))
                ]
        return found

    return given


def run(words: list[str]) -> dict:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(words: list[str]) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2, done.output
    said = [line for line in done.stderr.splitlines() if line.startswith("tiller: ")]
    assert [f"tiller: {json.loads(done.stdout)['error']}"] == said
    return said[0]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_command_makes_a_bundle_that_opens(words, tmp_path, home):
    result = run(words())
    assert left(tmp_path) == ["mine"]
    assert result["labels"] == list(CLASSES)
    assert (result["images"], result["reference"], result["preset"]) == (269, 90, None)
    assert [line.split("\t")[0] for line in result["broken"]] == [BROKEN]
    assert result["dictionaries"]["cls"]["verdict"] == "as stated"
    found = load_bundles(tmp_path / "mine", ["spatial", "cls"])
    for which, one in found.items():
        assert one.model.labels == CLASSES
        assert Decision.from_json(one.sae.header["gate"]).explained == pytest.approx(1, abs=1e-3)
        assert one.sae.header["origin"]["format"] == "prisma"
        assert len(one.index) == K
        assert {name for card in one.index for name in card.exemplars_top} <= set(one.index.file.texts("files"))
        assert one.reference.names == found["cls"].reference.names, which
    with (tmp_path / "mine" / "reference.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [sum(row["truth"] == label for row in rows) for label in CLASSES] == [30, 30, 30]
    assert all(row["file"].startswith(f"{row['truth']}/") and row["file"] != BROKEN for row in rows)
    assert all(
        hashlib.sha256((home / "images" / row["file"]).read_bytes()).hexdigest() == row["sha256"] for row in rows
    )
    assert result["next"][-1] == f"TILLER_BUNDLE={tmp_path / 'mine'} TILLER_STUDY=tasks.yaml streamlit run app.py"


def msae(folder: Path, size: int) -> Path:
    """A dictionary of embeddings, by MSAE's layout: every direction and its opposite."""
    turned = torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(6))).Q
    rows = torch.cat([turned, -turned])
    state = {"pre_bias": 0.1 * torch.ones(size), "encoder": rows.T.contiguous(), "latent_bias": torch.zeros(2 * size)}
    held = {"model": {**state, "decoder": rows}, "mean_center": torch.zeros(size), "scaling_factor": 2.0}
    path = folder / f"{2 * size}_{size}_ReLU_003_False_False_0.0_cc3m_tiny_train_image_260_{size}.pth"
    torch.save(held, path)
    return path


def test_a_dictionary_of_embeddings_stands_beside_one_of_a_block(words, tmp_path, home, monkeypatch):
    file = msae(tmp_path, 24)
    result = run(words(sae=[f"whole={file}", f"cls={home / 'cls'}"]))
    assert result["dictionaries"]["whole"]["block"] == "embedding"
    assert result["dictionaries"]["whole"]["explained"] == pytest.approx(1, abs=1e-3)

    def none(*_: object) -> dict:
        raise AssertionError("the reference pictures were run again")

    with monkeypatch.context() as changed:
        changed.setattr(bundle, "build_references", none)
        kept = load_bundles(tmp_path / "mine", ["whole", "cls"])
    found, other = kept["whole"], kept["cls"]
    assert (found.model.block, found.fingerprint["block"], found.sae.width) == ("embedding", "embedding", 24)
    assert found.index.file.heading["dictionary"]["block"] == "embedding"
    torch.testing.assert_close(found.reference.activations[:, 0], other.reference.embeddings, atol=1e-4, rtol=1e-4)
    with monkeypatch.context() as changed:
        changed.setattr(bundle, "reference_of", lambda *_: None)
        passed = load_bundles(tmp_path / "mine", ["whole"])["whole"].reference
    torch.testing.assert_close(found.reference.activations, passed.activations, atol=1e-4, rtol=1e-4)
    seen = look(found.model, found.sae, found.model.pixels(found.images / found.reference.names[0]))
    strongest = max(seen.codes.totals(), key=seen.codes.totals().get)
    steered = steer(found.model, found.sae, seen, SteeringPlan((Edit(strongest),)))
    assert steered.prediction != seen.clean
    done = CliRunner().invoke(app, ["index", "info", str(tmp_path / "mine" / "whole.index")])
    assert "at the embedding" in " ".join(done.output.split()) and "class token" not in done.output


def test_a_bundle_opens_from_what_its_indexes_keep_as_from_another_pass(words, tmp_path, monkeypatch):
    run(words())

    def none(*_: object) -> dict:
        raise AssertionError("the reference pictures were run again")

    with monkeypatch.context() as changed:
        changed.setattr(bundle, "build_references", none)
        kept = load_bundles(tmp_path / "mine", ["spatial", "cls"])
    with monkeypatch.context() as changed:
        changed.setattr(bundle, "reference_of", lambda *_: None)
        passed = load_bundles(tmp_path / "mine", ["spatial", "cls"])
    for which, one in kept.items():
        due = passed[which].reference
        assert (one.reference.names, one.reference.truth) == (due.names, due.truth)
        torch.testing.assert_close(one.reference.activations, due.activations, atol=1e-4, rtol=1e-4)
        logits = one.model.classify(one.reference.embeddings)
        torch.testing.assert_close(logits, one.model.classify(due.embeddings), atol=1e-4, rtol=0)


def test_a_reference_picture_that_changed_is_run_again(words, tmp_path, home):
    images = tmp_path / "images"
    shutil.copytree(home / "images", images)
    run(words(images=images, sae=f"cls={home / 'cls'}"))
    before = load_bundles(tmp_path / "mine", ["cls"])["cls"].reference
    Image.new("RGB", (32, 32), "red").save(images / before.names[0])
    after = load_bundles(tmp_path / "mine", ["cls"])["cls"].reference
    assert (before.activations[0] - after.activations[0]).abs().max() > 0.01
    torch.testing.assert_close(before.activations[1:], after.activations[1:], atol=1e-4, rtol=1e-4)


def test_a_table_and_classes_of_ones_own_serve_too(words, tmp_path, home):
    with (tmp_path / "truths.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "truth"])
        rows.writerows([f"{label}/{number:03d}.png", label] for label in ("boat", "apple") for number in range(20, 40))
    table = tmp_path / "truths.csv"
    result = run(words(labels_from_folders=False, labels=table, classes="car,boat,apple", sae=f"cls={home / 'cls'}"))
    assert (result["labels"], result["images"], result["reference"]) == (["car", "boat", "apple"], 269, 40)


def test_a_bundle_that_was_killed_between_its_steps_goes_on_with_the_same_result(home, words, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    line = words()
    run([*line[:2], str(whole), *line[3:]])
    killed = (
        "import os, signal, sys; from core import bundle_making; from study.__main__ import app\n"
        "real, calls = bundle_making.build_index, []\n"
        "def build(*words, **more):\n"
        "    if calls: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    calls.append(1); return real(*words, **more)\n"
        "bundle_making.build_index = build; app(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, *line], env=os.environ, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    work = tmp_path / ".mine.work"
    assert {"cls.safetensors", "plan.json", "spatial.index", "spatial.safetensors"} <= set(left(work))
    assert not (tmp_path / "mine").exists()
    assert "vocabulary" in refused([*line, "--classes", "apple,boat,car,dog"])
    with monkeypatch.context() as patched:
        patched.setattr("core.bundle_making.make_bundle", None)  # what is known from the command asks for no more
        other = [*line[:2], str(tmp_path / "mine"), *line[3:]]
        assert "begun with --batch 32; this command says --batch 31" in refused([*other, "--batch", "31"])
        swapped = [each.replace(f"cls={home / 'cls'}", f"cls={home / 'spatial'}") for each in other]
        assert "begun with another dictionary cls" in refused(swapped)

    def none(*_: object, **__: object) -> None:
        raise AssertionError("the gate was asked again")

    monkeypatch.setattr(bundle_making, "gather", none)
    monkeypatch.setattr(bundle_making, "accept", none)
    built: list[str] = []
    real = bundle_making.build_index

    def build(model, sae, order, **more):
        built.append(order.out.name)
        return real(model, sae, order, **more)

    monkeypatch.setattr(bundle_making, "build_index", build)
    run(line)
    assert built == ["cls.index"]
    assert left(tmp_path) == ["mine", "whole"]
    names = ["cls.safetensors", "spatial.safetensors", "cls.index", "spatial.index", "reference.csv"]
    for name in names:
        assert (tmp_path / "mine" / name).read_bytes() == (whole / name).read_bytes(), name


def test_ctrl_c_says_what_of_a_bundle_is_kept(words, tmp_path, monkeypatch):
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for step, said in (("gather", "nothing was kept yet"), ("build_index", f"is kept in {tmp_path / '.mine.work'}")):
        with monkeypatch.context() as patched:
            patched.setattr(bundle_making, step, pressed)
            done = CliRunner().invoke(app, words())
        assert done.exit_code == 130 and said in done.stderr and done.stderr.count("tiller: ") == 1, done.stderr
        assert (tmp_path / ".mine.work").exists() == (step == "build_index")


def test_a_native_file_with_its_decision_is_not_gated_again(words, tmp_path, home, monkeypatch):
    run(words(sae=f"cls={home / 'cls'}"))
    (tmp_path / "mine").rename(tmp_path / "first")
    native = tmp_path / "first" / "cls.safetensors"
    monkeypatch.setattr(bundle_making, "gather", lambda *_, **__: pytest.fail("it was gated again"))
    run(words(sae=f"cls={native}"))
    assert (tmp_path / "mine" / "cls.safetensors").read_bytes() == native.read_bytes()


def test_a_dictionary_of_a_place_where_no_tower_is_cut_is_refused_before_a_model_is_loaded(
    words, tmp_path, home, monkeypatch
):
    monkeypatch.setattr(bundle_making.Clip, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    mlp = prisma(tmp_path / "mlp", 1, layer_subtype="hook_mlp_out")
    said = refused(words(sae=[f"spatial={home / 'spatial'}", f"cls={mlp}"]))
    assert "the MLP's output (mlp_out) in block 1" in said and "take a dictionary of the residual stream" in said
    assert left(tmp_path) == ["mlp"]


def test_a_dictionary_that_the_gate_refuses_leaves_nothing_behind(words, tmp_path, home):
    rows = torch.randn(K, D, generator=torch.Generator().manual_seed(9))
    bad = prisma(tmp_path / "bad", 2, rows=rows, cls_token_only=True)
    said = refused(words(sae=[f"spatial={home / 'spatial'}", f"cls={bad}"]))
    assert "weights.pt explains" in said
    assert left(tmp_path) == ["bad"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": None}, "--preset NAME, or --model NAME"),
        ({"preset": "clip-b32"}, "--preset NAME, or --model NAME"),
        ({"preset": "clip-b32", "model": None}, "weights and dictionaries of its own"),
        ({"preset": "none", "model": None, "sae": None}, "there are clip-b32"),
        ({"sae": None}, "takes a dictionary"),
        ({"sae": "cls"}, "write NAME=FILE"),
        ({"sae": "cls=nowhere.pt"}, "nothing is there"),
        ({"sae": ["cls=a", "cls=b"]}, "given twice"),
        ({"labels_from_folders": False}, "Say what each picture shows"),
        ({"labels": "truths.csv"}, "--labels and --labels-from-folders were both given; name one of them."),
        ({"labels": "truths.csv", "labels_from_folders": False}, "no such file"),
        ({"classes": "apple,boat"}, "There are pictures of car, and the classes are apple, boat"),
        ({"images": "nowhere"}, "no such folder"),
        ({"model": "ViT-B-33"}, "open_clip has none of that name"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_left(words, tmp_path, changed, said):
    assert said in refused(words(**changed))
    assert left(tmp_path) == []


def test_too_few_pictures_are_refused_before_anything_long(words, tmp_path, home, monkeypatch):
    monkeypatch.setattr(bundle_making.Clip, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    images = tmp_path / "images"
    shutil.copytree(home / "images" / "boat", images / "boat")
    said = refused(words(images=images))
    assert "gives 89 pictures (boat/007.png cannot be read)" in said or "All pictures are of boat" in said
    shutil.copytree(home / "images" / "car", images / "car")
    assert "gives 179 pictures (boat/007.png cannot be read), and a dictionary is judged on 256" in refused(
        words(images=images)
    )
    assert f"lie in {images / 'car'} itself; put the pictures of each class" in refused(words(images=images / "car"))
    (tmp_path / "truths.csv").write_text("file,truth\nboat/001.png,boat\nboat/999.png,boat\n")
    table = {"labels": tmp_path / "truths.csv", "labels_from_folders": False}
    assert "names boat/999.png" in refused(words(images=images, **table))
    assert left(tmp_path) == ["images", "truths.csv"]
    (tmp_path / "mine").mkdir()
    assert "something is there already" in refused(words())
    assert left(tmp_path) == ["images", "mine", "truths.csv"]


@pytest.fixture
def cache(tmp_path, home, monkeypatch) -> Iterator[Path]:
    """A home of huggingface's with what was put there by hand, no network, and a file of presets of our own."""
    place = tmp_path / "hf"
    (tmp_path / "presets.yaml").write_text(PRESETS)
    shutil.copytree(home / "tiny", place / "tiller" / "some--model")
    shutil.copytree(home / "cls", place / "tiller" / "some--sae")
    monkeypatch.setattr(constants, "HF_HOME", str(place))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    presets = read_presets(tmp_path / "presets.yaml")
    monkeypatch.setattr(preset_file, "read_presets", lambda: presets)
    yield place


def test_a_preset_becomes_a_bundle_that_scripts_may_ask_for(words, tmp_path, cache):
    line = words(preset="tiny", model=None, sae=None)
    assert "run `tiller fetch tiny`" in refused(line)
    fetch_preset(preset_file.read_presets()["tiny"])
    result = run(line)
    assert (result["preset"], list(result["dictionaries"])) == ("tiny", ["cls"])
    folder = tmp_path / "mine"
    assert another_preset(folder, "tiny") == ""
    assert "is of tiny" in another_preset(folder, "clip-b32")
    found = load_bundles(folder, ["cls"])["cls"]
    assert found.published["explained"]["value"] == 0.97
    decision = Decision.from_json(found.sae.header["gate"])
    assert (decision.published, decision.floor) == (0.97, pytest.approx(0.92))
