"""What a bundle of full size takes: ViT-B/32 with random weights and two dictionaries of 49,152 components."""

from __future__ import annotations

import resource
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch
from full_size import made  # pyright: ignore[reportMissingImports]
from PIL import Image

from core.bundle import load_bundles
from core.pictures import thumbnail
from core.steering import look, steer
from core.types import Edit, SteeringPlan

pytestmark = pytest.mark.bench
PICTURES = 200


def memory() -> float:
    """Resident memory now, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1e3


def test_a_bundle_of_full_size(tmp_path):
    started = perf_counter()
    with get_context("spawn").Pool(1) as pool:  # its memory is none of ours
        folder = pool.apply(made, (tmp_path, "ViT-B-32", PICTURES))
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
