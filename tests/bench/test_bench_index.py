"""What building an index costs beside the bare forward pass over the same files, block by block, in one run.

Run with `TILLER_BENCH_PHOTOS=FOLDER pytest -m bench -n 0 -s tests/bench/test_bench_index.py`; pictures are drawn where
no folder is named. ViT-B/32, random weights, 49,152 components. Nothing about time is asserted.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.nn import functional

from core.index import read_index
from core.indexing.build import build_index
from core.indexing.files import list_files
from core.indexing.kept import Kept
from core.indexing.order import Order
from core.indexing.passing import Pass, reference_images
from core.indexing.reading import batches
from core.indexing.shares import Share
from core.model import Clip
from core.sae import Convention, Relu, SparseAutoencoder, TopK

pytestmark = pytest.mark.bench

COMPONENTS, BATCH, THREADS = 49_152, 32, int(os.environ.get("TILLER_BENCH_THREADS", "2"))
BLOCK = 1  # batches of one way, then of the other
ACTIVE = 1000  # components of a token under ReLU, as the published dictionaries have


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    named = os.environ.get("TILLER_BENCH_PHOTOS")
    if named:
        return Path(named)
    folder, draw = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for number in range(256):
        coarse = draw.integers(0, 255, (40, 30, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((400, 534), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    return folder


@pytest.fixture(scope="module")
def model() -> Clip:
    torch.manual_seed(0)
    network, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    return Clip.wrap(network, preprocess, tokenizer, name="ViT-B-32", block=-1, labels=("x",), digest="random")


def dictionary(model: Clip, way: str, photos: Path) -> SparseAutoencoder:
    rows = functional.normalize(torch.randn(COMPONENTS, 768, generator=torch.Generator().manual_seed(2)), dim=-1)
    activation = TopK(64) if way == "cls" else Relu()
    convention = Convention(activation, tokens=way, pre_bias=False)  # pyright: ignore[reportArgumentType]
    bias = torch.zeros(COMPONENTS)
    header = {"model": model.name, "weights": model.digest, "block": model.block}
    sae = SparseAutoencoder(rows.clone(), bias, rows, torch.zeros(768), convention=convention, header=header)
    if way == "all":  # lowered until as many fire on these pictures as in a dictionary that was trained
        every = sorted(path for path in photos.rglob("*") if path.is_file())
        x = model.activations(torch.cat([model.pixels(path) for path in every[:: max(1, len(every) // 16)]]))
        u = functional.linear(x.flatten(0, 1), sae.encoder).flatten()
        sae.encoder_bias.data -= u.kthvalue(round(len(u) * (1 - ACTIVE / COMPONENTS))).values
    return sae


@pytest.mark.parametrize(("way", "block"), [("cls", -1), ("all", -2)])
def test_an_index_beside_the_bare_forward_pass(model, photos, tmp_path, way, block):
    model = model.at(block)
    sae = dictionary(model, way, photos)
    torch.set_num_threads(THREADS)
    order = Order(images=photos, out=tmp_path / "x.index", vocabulary=("a",), batch=BATCH, threads=THREADS, readers=2)
    order.work.mkdir()
    files = list_files(photos, order.work)
    one = Pass(model, sae, files, order, Share(), reference_images(model, files))
    tally, kept = one.new_tally(0.0), Kept(order.work, 0)
    side = model.visual.image_size[0]

    def bare(numbers: range) -> tuple[float, float]:
        start, worked = time.perf_counter(), time.process_time()
        for batch in batches(files, model.preprocess, numbers, size=BATCH, side=side, readers=order.readers):
            with torch.inference_mode():
                model.network.encode_image(batch.pixels)
        return time.perf_counter() - start, time.process_time() - worked

    def indexed(numbers: range) -> tuple[float, float]:
        start, worked = time.perf_counter(), time.process_time()
        with kept.embeddings.open("wb") as embeddings, kept.reference.open("wb") as reference:
            for batch in batches(files, model.preprocess, numbers, size=BATCH, side=side, readers=order.readers):
                one.take(batch, tally, embeddings, reference, batch.number)
        return time.perf_counter() - start, time.process_time() - worked

    bare(range(1))
    begun = time.process_time()
    assert one.sight  # made once, for sets of any size
    begun = time.process_time() - begun
    rows = []
    for first in range(0, len(files) // BATCH - BLOCK + 1, BLOCK):
        numbers = range(first, first + BLOCK)
        # whoever comes first in a block finds the files cold
        times = (
            (indexed(numbers), bare(numbers))
            if first // BLOCK % 2
            else tuple(reversed((bare(numbers), indexed(numbers))))
        )
        rows.append(times)
    (ours, our_work), (theirs, their_work) = np.array(rows).transpose(1, 2, 0)
    images = BLOCK * BATCH
    start = time.perf_counter()
    kept.save(tally.arrays(), 1, [])
    saving = time.perf_counter() - start
    table = Table(title=f"ViT-B/32, {COMPONENTS:,} components, {way}, {len(files)} pictures, {THREADS} torch threads")
    for title in ("what", "images/s", "spread"):
        table.add_column(title)
    for what, seconds in (("bare forward pass", theirs), ("index", ours)):
        low, high = images / seconds.max(), images / seconds.min()
        table.add_row(what, f"{images * len(seconds) / seconds.sum():.1f}", f"{low:.1f} to {high:.1f}")
    median = float(np.median(theirs / ours))
    low, high = np.quantile(theirs / ours, (0.1, 0.9))
    table.add_row("index / bare", f"{theirs.sum() / ours.sum():.3f}", f"median {median:.3f}, {low:.3f} to {high:.3f}")
    # on a busy machine the wall's clock says little; this does not see what other processes take away
    low, high = np.quantile(their_work / our_work, (0.1, 0.9))
    work = f"median {np.median(their_work / our_work):.3f}, {low:.3f} to {high:.3f}"
    table.add_row("the same in seconds of the processor", f"{their_work.sum() / our_work.sum():.3f}", work)
    late = slice(len(ours) // 2, None)  # exemplars change less often the more pictures there were
    work = float(their_work[late].sum() / our_work[late].sum())
    table.add_row("the same, the second half of the pictures", f"{work:.3f}", "")
    table.add_row("images per processor second, bare", f"{images * len(theirs) / their_work.sum():.1f}", "")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add_row("weights laid out, once", f"{begun:.1f} s", "of the processor")
    table.add_row("one saving", f"{saving:.1f} s", f"{kept.path.stat().st_size / 1e6:.0f} MB")
    table.add_row("peak memory, model and dictionary included", f"{peak:,.0f} MB", f"load {os.getloadavg()[0]:.1f}")
    Console(width=120).print(table)


def test_a_whole_build_and_what_opening_it_costs(model, photos, tmp_path):
    sae = dictionary(model.at(-1), "cls", photos)
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(path for path in photos.rglob("*.jpg"))[:64]:
        (few / path.name).symlink_to(path)
    order = Order(images=few, out=tmp_path / "x.index", vocabulary=("a cat", "a dog"), batch=BATCH, threads=THREADS)
    marks: list[tuple[str, float]] = []
    build_index(model.at(-1), sae, order, progress=lambda what, *_: marks.append((what, time.perf_counter())))
    end = time.perf_counter()
    begun = list(reversed(dict(reversed(marks)).items()))  # when each was first heard of
    for (what, start), (_, stop) in zip(begun, [*begun[1:], ("", end)], strict=True):
        print(f"from {what}: {stop - start:.1f} s")
    print(f"file: {order.out.stat().st_size / 1e6:.0f} MB")
    start = time.perf_counter()
    index = read_index(order.out)
    opened = time.perf_counter() - start
    cards = [index[component] for component in range(0, COMPONENTS, 97)]
    print(f"opened in {opened * 1e3:.0f} ms; {(time.perf_counter() - start - opened) / len(cards) * 1e6:.0f} us a card")
