"""Fixtures everybody shares: a small CLIP with random weights, dictionaries for it, and pictures to look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from tiny import TINY

from core.bundle import Bundle, load_bundle
from core.loading import simple_tokenizer
from core.model import Clip
from core.openclip import PreprocessCfg, image_transform_v2, open_clip
from core.sae import Convention, SparseAutoencoder, TopK

pytest_plugins = ["servers", "foreign"]
MAIN = sys.modules["__main__"]

LABELS = ("apple", "boat", "car")


THREADS = max(1, torch.get_num_threads() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process more than there are cores: who waits for a browser, a voice or a disk leaves its core to another.

    Those of full size compute all the time, and fill the memory.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (config.option.markexpr != "slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, for what is begun last has no other file beside it and leaves the cores idle.

    What a file costs is told by what it is: the tests of a browser or of full size last seconds each, and those begin
    with the most of them. Of the others a file of few holds the long ones, builds and killed processes; a hundred in a
    file are small.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)

    def place(file: Path) -> tuple[bool, int]:
        long = sum(any(item.get_closest_marker(mark) for mark in ("browser", "slow")) for item in files[file])
        return not long, -long or len(files[file])

    items[:] = [item for file in sorted(files, key=place) for item in files[file]]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Small tensors gain nothing from a second thread, and wait minutes for it where another process has the core.

    Those of full size have as many as there are cores for each process of the run. And Streamlit leaves the page that
    it ran last as the main module, which a process that is spawned by a later test would run.
    """
    sys.modules["__main__"] = MAIN
    full_size = any(item.iter_markers("slow")) or any(item.iter_markers("bench"))
    torch.set_num_threads(THREADS if full_size else 1)


def tiny_network(seed: int = 0, **changed: object) -> open_clip.CLIP:
    """open_clip's own CLIP, small and random; `changed` goes into the vision configuration."""
    torch.manual_seed(seed)
    return open_clip.CLIP(**{**TINY, "vision_cfg": {**TINY["vision_cfg"], **changed}})


def tiny_clip(network: torch.nn.Module | None = None, *, block: int = -2, labels: tuple[str, ...] = LABELS) -> Clip:
    return Clip.wrap(
        tiny_network() if network is None else network,
        image_transform_v2(PreprocessCfg(size=32), is_train=False),
        simple_tokenizer(16),
        name="tiny",
        block=block,
        labels=labels,
    )


def dictionary_for(
    model: Clip, convention: Convention, *, components: int = 64, seed: int = 1, **parts: torch.Tensor
) -> SparseAutoencoder:
    """A random dictionary of unit rows that says it was made on `model` at its block."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.nn.functional.normalize(torch.randn(components, model.width, generator=draw), dim=-1)
    return SparseAutoencoder(
        rows.clone(),
        0.1 * torch.randn(components, generator=draw),
        rows.clone(),
        0.1 * torch.randn(model.width, generator=draw),
        convention=convention,
        header={"model": model.name, "weights": model.digest, "block": model.block},
        **parts,
    )


@pytest.fixture(scope="session")
def make_network() -> Callable[..., open_clip.CLIP]:
    return tiny_network


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Clip]:
    return tiny_clip


@pytest.fixture(scope="session")
def make_sae() -> Callable[..., SparseAutoencoder]:
    return dictionary_for


@pytest.fixture(scope="session")
def tiny_model() -> Clip:
    """Cut after the second-to-last of 3 blocks; 4 by 4 patches, 32 wide, labels apple, boat, car."""
    return tiny_clip()


@pytest.fixture(scope="session")
def tiny_sae(tiny_model: Clip) -> SparseAutoencoder:
    """TopK of 8 over 64 components, all tokens, at the block where `tiny_model` is cut."""
    return dictionary_for(tiny_model, Convention(TopK(8)))


@pytest.fixture(scope="session")
def demo_bundle() -> Callable[[str], Bundle]:
    """The bundle that ships, by its dictionary: opened once, for nobody writes to it and 320 pictures are passed."""
    return cache(partial(load_bundle, Path(__file__).parents[1] / "data" / "demo"))


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """Shapes on a gradient, larger than the model's input and not square."""
    image = Image.linear_gradient("L").resize((60, 48)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 6, 30, 30), fill=(200, 40, 30))
    draw.rectangle((34, 20, 55, 44), fill=(30, 60, 190))
    return image


@pytest.fixture(scope="session")
def pixels() -> torch.Tensor:
    """Noise as four pictures, "4 3 32 32"."""
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
