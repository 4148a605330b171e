"""The build end to end in seconds, and the bundle that ships."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.bundle import load_bundle
from core.checksum import checksum_of
from core.demo.artefacts import Plan, build
from core.demo.dictionaries import DictionaryCourse, explained_variance, train_dictionary
from core.demo.figures import Sample
from core.demo.folder import image_config
from core.demo.lessons import Course
from core.demo.muon import orthogonal
from core.demo.objects import OBJECTS
from core.demo.pool import seen_small
from core.demo.recipes import Split, cue_free, truths
from core.demo.repair import MOST, picked_plan
from core.demo.training import MODEL_CONFIG, as_pixels, contrastive_loss
from core.demo.world import draw
from core.model import Clip
from core.steering import look, steer

SHIPPED = Path(__file__).parents[2] / "data" / "demo"
TINY = Plan(
    pictures=96,
    balance=32,
    course=Course(epochs=1, clear_epochs=1, balance_epochs=1, batch=16, caption_steps=2),
    code_pictures=24,
    spatial=DictionaryCourse(steps=6, batch=128),
    cls=DictionaryCourse(steps=6, batch=32),
    index=20,
    reference=16,
    candidates=6,
    sample=Sample(cue_free=8, misnamed=6, misplaced=6, misbadged=6, everything=8, repairs=1),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    stages = []
    build(folder / "bundle", work=folder / "work", plan=TINY, progress=lambda stage, *_: stages.append(stage))
    return folder, stages


def test_a_tiny_build_writes_a_whole_bundle(tiny):
    folder, _ = tiny
    for which, block in (("spatial", 4), ("cls", 5)):
        bundle = load_bundle(folder / "bundle", which)
        assert bundle.model.labels == OBJECTS and bundle.model.block == block
        assert len(bundle.index) == bundle.sae.size == 1024
        assert len(bundle.reference.names) == 16
    said = json.loads((folder / "bundle" / "manifest.json").read_text())
    assert said["plan"]["pictures"] == 96 and len(said["figures"]) == 12
    assert all(checksum_of(folder / "bundle" / name) == digest for name, digest in said["sha256"].items())


def test_a_build_that_was_cut_short_goes_on_and_ends_the_same(tiny):
    folder, first = tiny
    for path in (folder / "work").glob("spatial-*"):
        path.unlink()
    stages = []
    build(folder / "again", work=folder / "work", plan=TINY, progress=lambda stage, *_: stages.append(stage))
    assert "training CLIP" in first and "training CLIP" not in stages
    assert "training spatial dictionary" in stages
    for name in ("model.safetensors", "spatial.safetensors", "cls.json", "reference.csv", "tasks.json"):
        assert checksum_of(folder / "bundle" / name) == checksum_of(folder / "again" / name), name


def test_the_bundle_sees_pictures_as_training_did():
    picture = draw(truths(Split.DRAW, 1, cue_free)[0])
    torch.manual_seed(0)
    import open_clip

    network = open_clip.CLIP(**MODEL_CONFIG)
    model = Clip.build(MODEL_CONFIG, network.state_dict(), image_config(), name="x", block=-2, labels=OBJECTS)
    assert torch.allclose(model.pixels(picture), as_pixels(np.stack([seen_small(picture)])), atol=1e-6)


def test_images_with_one_caption_are_all_its_positives():
    # two images of caption 0, one of caption 1, scale 1: each image scores 1 with its own caption and 0 with the other
    images = torch.tensor([[1.0, 0], [1, 0], [0, 1]])
    texts = torch.eye(2)
    e = float(np.e)
    to_text = -np.log(e / (e + 1))
    to_images = (-np.log(e / (2 * e + 1)) + -np.log(e / (e + 2))) / 2
    loss = contrastive_loss(images, texts, torch.tensor([0, 0, 1]), torch.tensor(1.0))
    assert loss.item() == pytest.approx((to_text + to_images) / 2, abs=1e-6)


@pytest.mark.parametrize("shape", [(6, 6), (4, 12), (12, 4)])
def test_muon_steps_are_nearly_orthogonal(shape):
    step = orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    values = torch.linalg.svdvals(step)
    assert values.min() > 0.3 and values.max() < 1.3


def test_a_dictionary_explains_what_a_dictionary_made():
    generator = torch.Generator().manual_seed(0)
    atoms = torch.nn.functional.normalize(torch.randn(24, 16, generator=generator), dim=1)
    codes = torch.rand(4000, 24, generator=generator) * (torch.rand(4000, 24, generator=generator) < 0.08)
    rows = codes @ atoms * 3 + 5
    learned = train_dictionary(rows, DictionaryCourse(steps=800, latents=64, k=8, batch=256))
    assert explained_variance(rows, learned.decode(learned.codes(rows))) > 0.95
    assert (learned.codes(rows) > 0).sum(1).max() <= 8


def test_explained_variance_by_hand():
    rows = torch.tensor([[0.0], [2.0]])
    # squared error 0.5 of a spread of 2
    assert explained_variance(rows, torch.tensor([[0.5], [1.5]])) == pytest.approx(0.75)


def test_the_plan_is_picked_without_the_truth_and_stops_at_five(demo_bundle):
    """`picked_plan` is given a model, a dictionary and a picture, nothing else; what it picks is active there."""
    bundle = demo_bundle("spatial")
    first = json.loads((SHIPPED / "tasks.json").read_text())[0]
    seen = look(bundle.model, bundle.sae, bundle.model.pixels(bundle.images / first["file"]))
    plan = picked_plan(bundle.model, bundle.sae, seen)
    assert 0 < len(plan) <= MOST
    assert all(edit.component in seen.codes.active() for edit in plan)
    assert [edit.component for edit in plan] == sorted(first["suppressed"])
    assert steer(bundle.model, bundle.sae, seen, plan).prediction.top == first["truth"]


@pytest.mark.parametrize("which", ["spatial", "cls"])
def test_what_ships_is_whole_and_named_by_nothing(which, demo_bundle):
    bundle = demo_bundle(which)
    assert len(bundle.reference.names) >= 240
    for path in (SHIPPED / "images").iterdir():
        assert path.suffix == ".webp" and set(path.stem) <= set("0123456789abcdef")
        with Image.open(path) as image:
            assert image.size == (224, 224)
    assert any(card.density == 0 or card.exemplars_top for card in bundle.index)


def test_what_ships_is_small_and_says_what_it_is():
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40e6
    said = json.loads((SHIPPED / "manifest.json").read_text())
    assert {path.relative_to(SHIPPED).as_posix() for path in files} - {"manifest.json"} == set(said["sha256"])
    assert all(checksum_of(SHIPPED / name) == digest for name, digest in said["sha256"].items())
    assert len(said["figures"]) == 12


def test_every_task_fails_as_it_says(demo_bundle):
    bundle = demo_bundle("spatial")
    tasks = json.loads((SHIPPED / "tasks.json").read_text())
    assert {task["kind"] for task in tasks} == {"word", "scene", "badge"}
    for task in tasks:
        seen = look(bundle.model, bundle.sae, bundle.model.pixels(bundle.images / task["file"]))
        assert seen.clean.top == task["wrong"] != task["truth"]
        if task["kind"] == "word":
            assert task["cause"] == f"word:{task['wrong']}"
