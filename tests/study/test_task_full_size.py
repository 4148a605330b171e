"""Making and finding tasks with ViT-B-32 and 49,152 components of random weights: the plumbing at full size."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional
from typer.testing import CliRunner

from core.checkpoints.native import save_native
from core.model import Clip
from core.sae import Convention, SparseAutoencoder, TopK
from study.__main__ import app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A state dict, a dictionary made on it, and pictures of two classes."""
    folder = tmp_path_factory.mktemp("full")
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-B-32", pretrained=None)
    network.logit_scale.data.fill_(4.6052)
    save_file(network.state_dict(), folder / "vit.safetensors")
    model = Clip.load("ViT-B-32", folder / "vit.safetensors", block=10, labels=("banana", "zebra"))
    draw = torch.Generator().manual_seed(1)
    rows = functional.normalize(torch.randn(49_152, 768, generator=draw), dim=-1)
    sae = SparseAutoencoder(
        rows,
        torch.zeros(49_152),
        rows.clone(),
        torch.zeros(768),
        convention=Convention(TopK(64)),
        header={"model": "ViT-B-32", "weights": model.digest, "block": 10},
    )
    save_native(sae, folder / "sae.safetensors")
    for place, name in enumerate(("banana", "zebra")):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(4):
            picture = Image.effect_noise((256 + 16 * number, 240), 20 + 30 * place + 5 * number).convert("RGB")
            picture.save(folder / "pictures" / name / f"{number}.jpg")
    return folder


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["task", *map(str, words), "--json"])
    return done.exit_code, done.stdout, done.stderr


def test_a_word_is_tried_on_a_full_size_model(files, tmp_path) -> None:
    image = tmp_path / "small.png"  # few sizes of a label can be read on it
    Image.linear_gradient("L").convert("RGB").resize((64, 56)).save(image)
    model = ("--model", "ViT-B-32", "--pretrained", files / "vit.safetensors", "--labels", "banana,zebra")
    said = [run("make", "typographic", "--image", image, "--word", word, *model, "--keep-anyway", "--margin", 99,
                "--out", tmp_path / f"{word}.png") for word in ("banana", "zebra")]  # fmt: skip
    assert sorted(code for code, *_ in said) == [0, 2]  # the model says one of them as it is
    told = json.loads(next(stdout for code, stdout, _ in said if code == 0))
    assert len(told["after"]["probabilities"]) == 2 and told["tried"] > 2


def test_tasks_are_looked_for_with_a_full_size_dictionary(files, tmp_path) -> None:
    model = ("--model", "ViT-B-32", "--pretrained", files / "vit.safetensors", "--sae", files / "sae.safetensors")
    code, stdout, wrong = run("find", "--images", files / "pictures", *model, "--top", 1, "--out", tmp_path / "f.yaml")
    assert code in (0, 1), wrong
    told = json.loads(stdout)
    assert told["pictures"] == 8 and told["sae"]["components"] == 49_152 and told["tried"] > 0
    assert (code == 0) == bool(told["tasks"]) == (tmp_path / "f.yaml").is_file()
