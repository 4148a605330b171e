"""A bundle folder with random weights, small enough to build in a test, whose one picture the model gets wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from core.attribution import attribute
from core.bundle import seal
from core.checkpoints.native import save_native
from core.codes import Codes
from core.loading import simple_tokenizer
from core.model import Clip
from core.openclip import PreprocessCfg, image_transform_v2, open_clip
from core.sae import Convention, SparseAutoencoder, TopK
from core.steering import look, steer
from core.types import Block, Edit, SteeringPlan

LABELS = ("apple", "boat", "car", "cup", "fish", "hat")
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 64, "head_width": 16, "layers": 3},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PICTURES = 24
KINDS = ("word", "scene", "badge")

SCRIPT = """
schema: tiller-study/1
study: {id: tiny, version: "1.0.0", title: A tiny study, stage: pilot, contact: nobody}
modes: {remote: {open: true}}
welcome: Welcome to a test.
consent:
  text: consent.md
  scopes:
    - {key: log, required: true, label: Record what I do.}
    - {key: quote, required: false, label: Quote what I write.}
think_aloud: {note: Please say aloud what you look at. Half sentences are welcome.}
tasks:
  secret_cause:
    picture: word
    goal: Find out what leads the model astray.
    tools: [attribution, waterfall, contrast, suppress, amplify, set, add, scope, undo, redo, reset, mute, scenarios,
      ripple, similar, open]
    answers: &answers
      - {id: cause, type: free_text, label: "What made the model wrong?"}
      - {id: confidence, type: slider, label: "How sure are you?", min: 0, max: 100, start: null}
    ground_truth: {cause: planted-cause-nobody-may-see, hidden: true}
  second_task:
    picture: scene
    goal: Find out what leads the model astray here.
    tools: [attribution, suppress, amplify, undo, redo, reset, ripple]
    answers: *answers
debrief: That was it.
"""


@dataclass(frozen=True)
class TinyWorld:
    bundle: Path
    script: Path


def write_script(folder: Path) -> Path:
    """A study of two tasks."""
    (folder / "consent.md").write_text("We keep what you do.", encoding="utf-8")
    path = folder / "tiny.yaml"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def write_bundle(folder: Path, block: Block = -2) -> Path:
    """A whole bundle: random CLIP, random dictionary, drawn pictures, an index, and a task picture of each kind."""
    images = folder / "images"
    images.mkdir(parents=True)
    torch.manual_seed(3)
    network = open_clip.CLIP(**CONFIG)
    with torch.no_grad():
        network.logit_scale.fill_(4.0)  # loud enough for one component to move a probability by points
    model = _wrapped(network, block)
    names = [f"p{number:03d}.png" for number in range(PICTURES)]
    for number, name in enumerate(names):
        _drawn(number).save(images / name)
    pixels = torch.cat([model.pixels(images / name) for name in names])
    _open_its_mind(network, model, pixels)
    model = _wrapped(network, block)  # its digest is that of the weights as they are now
    said = model.logits(model.activations(pixels)).argmax(-1).tolist()
    sae = _dictionary(model)
    cards = _cards(sae.encode(model.activations(pixels)), names)
    (folder / "model.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, folder / "model.safetensors")
    save_native(sae, folder / "spatial.safetensors")
    (folder / "spatial.json").write_text(json.dumps(cards), encoding="utf-8")
    # half of the pictures are called what the model says, half the next class along: there is much to fix and break
    truth = [LABELS[(top + number % 2) % len(LABELS)] for number, top in enumerate(said)]
    _table(folder / "reference.csv", ("file", "truth"), zip(names, truth, strict=True))
    wrong = _repairable(model, sae, pixels)
    tasks = [(kind, names[wrong[at]], _second(model, sae, pixels, wrong[at])) for at, kind in enumerate(KINDS)]
    _table(folder / "tasks.csv", ("kind", "file", "truth"), tasks)
    seal(
        folder,
        {
            "model": {"name": "tiny", "config": "model.json", "weights": "model.safetensors", "image": {"size": 32}},
            "labels": list(LABELS),
            "templates": ["a photo of a {}"],
            "dictionaries": {"spatial": {"sae": "spatial.safetensors", "index": "spatial.json"}},
            "reference": {"images": "images", "table": "reference.csv"},
        },
    )
    return folder


def _wrapped(network: open_clip.CLIP, block: Block) -> Clip:
    preprocess = cast("Callable[[Any], torch.Tensor]", image_transform_v2(PreprocessCfg(size=32), is_train=False))
    return Clip.wrap(network, preprocess, simple_tokenizer(16), name="tiny", block=block, labels=LABELS)


@torch.no_grad()
def _open_its_mind(network: open_clip.CLIP, model: Clip, pixels: torch.Tensor) -> None:
    """Take the direction that all pictures share out of the projection: random weights else say one word to all."""
    shared = torch.nn.functional.normalize(model.embedding(model.activations(pixels)).mean(0), dim=0)
    projection = cast("torch.Tensor", network.visual.proj)
    projection -= (projection @ shared)[:, None] * shared


def _second(model: Clip, sae: SparseAutoencoder, pixels: torch.Tensor, number: int) -> str:
    return LABELS[look(model, sae, pixels[number : number + 1]).clean.ranked[1]]


def _repairable(model: Clip, sae: SparseAutoencoder, pixels: torch.Tensor) -> list[int]:
    """Pictures whose answer turns to the second choice when the component that pushes most is suppressed."""
    found = []
    for number in range(PICTURES):
        seen = look(model, sae, pixels[number : number + 1])
        first, second = seen.clean.ranked[:2]
        account = attribute(model, sae, seen, first, against=second)
        after = steer(model, sae, seen, SteeringPlan((Edit(account.components[0]),)))
        if after.prediction.ranked[0] == second:
            found.append(number)
    return found


def _dictionary(model: Clip) -> SparseAutoencoder:
    rows = torch.nn.functional.normalize(torch.randn(96, model.width), dim=-1)
    header = {"model": model.name, "weights": model.digest, "block": model.block}
    return SparseAutoencoder(
        rows.clone(),
        0.1 * torch.rand(96),
        rows,
        torch.zeros(model.width),
        convention=Convention(TopK(8), tokens="cls" if model.at_embedding else "all"),
        header=header,
    )


def _cards(codes: Codes, names: list[str]) -> list[dict[str, object]]:
    peaks = codes.dense().amax(1)  # images by components
    cards = []
    for index in range(codes.shape[2]):
        order = [names[image] for image in peaks[:, index].argsort(descending=True) if peaks[image, index] > 0]
        cards.append(
            {
                "index": index,
                "label": f"thing {index % 7}",
                "label_score": 0.9,
                "density": len(order) / len(names),
                "p99": float(peaks[:, index].quantile(0.99)),
                "exemplars_top": order[:4],
                "exemplars_middle": order[4:8],
                "exemplars_low": order[8:12],
            }
        )
    return cards


def _drawn(seed: int) -> Image.Image:
    draw = torch.Generator().manual_seed(seed)
    colour = [tuple(torch.randint(30, 230, (3,), generator=draw).tolist()) for _ in range(4)]
    image = Image.new("RGB", (224, 224), colour[0])
    pen = ImageDraw.Draw(image)
    for each in colour[1:]:
        x, y, w = torch.randint(0, 140, (3,), generator=draw).tolist()
        pen.ellipse((x, y, x + 30 + w, y + 30 + w), fill=each)
    return image


def _table(path: Path, columns: tuple[str, ...], rows: object) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)  # type: ignore[arg-type]
