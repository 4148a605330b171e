"""Pictures to index, and everything an index says of them computed again from all codes at once, in plain numpy."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from core.bundle import seal
from core.checkpoints.native import save_native
from core.indexing.build import build_index
from core.indexing.layout import IndexFile
from core.indexing.order import Order
from core.model import Clip
from core.sae import SparseAutoencoder

WORDS = ("cat", "dog", "a red sea", "stripes", "letters", "night")


def draw_pictures(folder: Path, count: int, *, broken: tuple[int, ...] = (), seed: int = 0) -> Path:
    """Pictures of few smooth colours, so that components differ in where they fire; two folders, two classes."""
    draw = np.random.default_rng(seed)
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = draw.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((36, 32), Image.Resampling.BILINEAR).save(path)
        if number in broken:
            path.write_bytes(path.read_bytes()[:60])
    (folder / "notes.txt").write_text("no picture")
    return folder


def write_bundle(folder: Path, network: torch.nn.Module, config: dict, sae: SparseAutoencoder) -> Path:
    """A bundle of nothing but a model and a dictionary, for the command line."""
    folder.mkdir()
    save_file({name: each.contiguous() for name, each in network.state_dict().items()}, folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(config))
    save_native(sae, folder / "spatial.safetensors")
    (folder / "cards.json").write_text("[]")
    (folder / "reference.csv").write_text("file,truth\n")
    description = {
        "model": {"name": "tiny", "config": "model.json", "weights": "model.safetensors", "image": {"size": 32}},
        "labels": ["apple", "boat"],
        "templates": ["a photo of a {}"],
        "dictionaries": {"spatial": {"sae": "spatial.safetensors", "index": "cards.json"}},
        "reference": {"images": ".", "table": "reference.csv"},
    }
    seal(folder, description)
    return folder


def build(model: Clip, sae: SparseAutoencoder, images: Path, out: Path, **changed) -> IndexFile:
    options = {"vocabulary": WORDS, "batch": 8, "threads": 1, "from_folders": True, **changed}
    return IndexFile(
        build_index(model, sae, Order(images=images, out=out, **options), progress=lambda what, done, of: None)
    )


class Oracle:
    """All codes of all readable pictures, (images, tokens, components), and what they come to."""

    def __init__(self, model: Clip, sae: SparseAutoencoder, images: Path, broken: tuple[int, ...] = ()) -> None:
        paths = sorted(path for path in images.rglob("*.png"))
        self.names = [str(path.relative_to(images)) for path in paths]
        readable = [path for path in paths if int(path.stem) not in broken]
        self.kept = [str(path.relative_to(images)) for path in readable]
        x = model.activations(torch.cat([model.pixels(path) for path in readable]))
        self.codes = sae.encode(x).dense().numpy().clip(0)
        self.activations = x.numpy()
        vectors = model.embedding(x)
        self.embeddings = vectors.numpy()
        self.unit = torch.nn.functional.normalize(vectors.double(), dim=-1).numpy()
        self.strengths = self.codes.max(1)
        self.dictionary = sae.dictionary.double().numpy()

    def top(self, component: int, size: int = 20) -> list[int]:
        strengths = self.strengths[:, component]
        order = sorted(range(len(strengths)), key=lambda image: (-strengths[image], image))
        return [image for image in order if strengths[image] > 0][:size]

    def p99(self, component: int, tokens: slice = slice(None)) -> float:
        values = self.codes[:, tokens, component]
        values = values[values > 0]
        return float(np.quantile(values, 0.99, method="inverted_cdf")) if len(values) else np.nan

    def clarity(self, component: int) -> float:
        vectors = self.unit[self.top(component)]
        pairs = [float(one @ two) for one, two in combinations(vectors, 2)]
        return float(np.mean(pairs)) if pairs else np.nan

    def monosemanticity(self, component: int) -> float:
        """The published loop over pairs."""
        strength = self.strengths[:, component].astype(np.float64)
        if strength.max() == strength.min():
            return np.nan
        scaled = (strength - strength.min()) / (strength.max() - strength.min())
        above = below = 0.0
        for one, two in combinations(range(len(scaled)), 2):
            weight = scaled[one] * scaled[two]
            above += weight * float(self.unit[one] @ self.unit[two])
            below += weight
        return above / below if below > 1e-12 else np.nan

    def neighbours(self, component: int, size: int = 8) -> list[int]:
        unit = self.dictionary / np.linalg.norm(self.dictionary, axis=1, keepdims=True)
        cosine = unit @ unit[component]
        return [each for each in np.argsort(-cosine).tolist() if each != component][:size]

    def partners(self, strongest: int = 64, at_least: int = 3, size: int = 8) -> list[list[tuple[int, float]]]:
        fires = np.zeros(self.strengths.shape, bool)
        for image, row in enumerate(self.strengths):
            order = sorted(np.flatnonzero(row > 0), key=lambda one: (-row[one], one))[:strongest]
            fires[image, order] = True
        both = fires.T.astype(int) @ fires.astype(int)
        found = []
        for component in range(len(both)):
            scored = [
                (-both[component, other] / np.sqrt(both[component, component] * both[other, other]), other)
                for other in range(len(both))
                if other != component and both[component, other] >= at_least
            ]
            found.append([(other, -score) for score, other in sorted(scored)[:size]])
        return found
