"""What a bundle of full size takes: ViT-B/32 with random weights and two dictionaries of 49,152 components."""

from __future__ import annotations

import json
import resource
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from core.bundle import load_bundles
from core.bundle_writing import write_bundle
from core.checkpoints.native import save_native
from core.loading import network_of
from core.model import Clip
from core.pictures import thumbnail
from core.sae import Convention, SparseAutoencoder, TopK
from core.steering import look, steer
from core.types import Edit, SteeringPlan

pytestmark = pytest.mark.bench
COMPONENTS, PICTURES = 49_152, 200
LABELS = ("apple", "boat", "car")


def memory() -> float:
    """Resident memory now, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1e3


def dictionary(model: Clip, tokens: str, seed: int) -> SparseAutoencoder:
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


def made(folder: Path) -> Path:
    source, images = folder / "source", folder / "images"
    source.mkdir()
    images.mkdir()
    config = open_clip.get_model_config("ViT-B-32")
    torch.manual_seed(0)
    save_file(network_of(config).state_dict(), source / "open_clip_model.safetensors")
    (source / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    model = Clip.load(str(source), block=-1, labels=LABELS)
    draw, rows = np.random.default_rng(0), ["file,truth"]
    for number in range(PICTURES):
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


def test_a_bundle_of_full_size(tmp_path):
    started = perf_counter()
    with get_context("spawn").Pool(1) as pool:  # its memory is none of ours
        folder = pool.apply(made, (tmp_path,))
    print(f"\nmade in {perf_counter() - started:.1f} s")
    torch.set_num_threads(1)  # as the app computes
    before, started = memory(), perf_counter()
    bundles = load_bundles(folder, ["cls", "spatial"])
    print(f"opened in {perf_counter() - started:.1f} s, {memory() - before:.0f} MB more, {PICTURES} reference pictures")
    for which, bundle in bundles.items():
        pixels = bundle.model.pixels(bundle.images / "0.jpg")
        times = []
        for _ in range(5):
            started = perf_counter()
            seen = look(bundle.model, bundle.sae, pixels)
            times.append(perf_counter() - started)
        plan = SteeringPlan((Edit(seen.codes.active()[0]),))
        steers = []
        for _ in range(5):
            started = perf_counter()
            steer(bundle.model, bundle.sae, seen, plan)
            steers.append(perf_counter() - started)
        print(f"{which}: a look {1000 * min(times):.0f} ms, a steer {1000 * min(steers):.0f} ms")
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)).resize((4000, 3000)).save(photo)
    started = perf_counter()
    small = thumbnail(photo, 448)
    print(f"a photo of 12 million pixels to {small.size} in {1000 * (perf_counter() - started):.0f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"greatest memory of the process that opened it: {peak:.0f} MB")
