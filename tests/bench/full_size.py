"""A bundle of full size: an open_clip model with random weights and two dictionaries of 49,152 components."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from core.bundle_writing import write_bundle
from core.checkpoints.native import save_native
from core.loading import network_of
from core.model import Clip
from core.sae import Convention, SparseAutoencoder, TopK

COMPONENTS = 49_152
LABELS = ("apple", "boat", "car")


def dictionary(model: Clip, tokens: str, seed: int) -> SparseAutoencoder:
    """Random unit rows, TopK 64, at the model's block."""
    draw = torch.Generator().manual_seed(seed)
    rows = functional.normalize(torch.randn(COMPONENTS, model.width, generator=draw), dim=-1)
    return SparseAutoencoder(
        rows.clone(),
        torch.zeros(COMPONENTS),
        rows,
        torch.zeros(model.width),
        convention=Convention(TopK(64), tokens=tokens),  # pyright: ignore[reportArgumentType]
        header={"model": model.name, "weights": model.digest, "block": model.block},
    )


def made(folder: Path, architecture: str, pictures: int) -> Path:
    """The bundle, made in `folder`: `cls` after the last block, `spatial` before it, noise for pictures."""
    source, images = folder / "source", folder / "images"
    source.mkdir()
    images.mkdir()
    config = open_clip.get_model_config(architecture)
    torch.manual_seed(0)
    save_file(network_of(config).state_dict(), source / "open_clip_model.safetensors")
    (source / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    model = Clip.load(str(source), block=-1, labels=LABELS)
    draw, rows = np.random.default_rng(0), ["file,truth"]
    for number in range(pictures):
        noise = Image.fromarray(draw.integers(0, 255, (48, 64, 3), np.uint8)).resize((640, 480))
        noise.save(images / f"{number}.jpg")
        rows.append(f"{number}.jpg,{LABELS[number % 3]}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    card = {"label": "unclear", "label_score": 0.5, "density": 0.01, "p99": 2.0, "p99_class": 2.0, "p99_patch": 2.0}
    shown = {band: [f"{number}.jpg" for number in range(9)] for band in ("exemplars_top", "exemplars_low")}
    (folder / "index.json").write_text(json.dumps([{"index": each, **card, **shown} for each in range(COMPONENTS)]))
    dictionaries = {}
    for name, block, tokens in (("cls", -1, "cls"), ("spatial", -2, "all")):
        save_native(dictionary(model.at(block), tokens, seed=block + 5), folder / f"{name}.safetensors")
        dictionaries[name] = (folder / f"{name}.safetensors", folder / "index.json")
    write_bundle(
        folder / "bundle",
        model=str(source),
        weights=None,
        dictionaries=dictionaries,
        labels=LABELS,
        table=folder / "table.csv",
        images=images,
    )
    return folder / "bundle"
