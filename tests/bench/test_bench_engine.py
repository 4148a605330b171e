"""What the engine's shortcuts save: ratios measured side by side, turn by turn, in one run; no time is asserted.

Run with `pytest -m bench -n 0 -s tests/bench/test_bench_engine.py`. ViT-B/16, random weights, 49,152 latents, TopK 64.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import open_clip
import pytest
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional

from core.attribution import attribute, leave_one_out
from core.model import Clip
from core.ripple import ReferenceSet, ripple
from core.sae import Convention, SparseAutoencoder, TopK
from core.steering import Look, look, steer
from core.types import Edit, Op, SteeringPlan, View

pytestmark = pytest.mark.bench

LATENTS, K, TURNS, PICTURES = 49_152, 64, 9, 1_000
LABELS = tuple(f"thing {number}" for number in range(20))


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def last() -> Clip:
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-B-16", pretrained=None)
    tokenizer = open_clip.get_tokenizer("ViT-B-16")
    return Clip.wrap(network, lambda image: image, tokenizer, name="ViT-B-16", block=-1, labels=LABELS, digest="random")


@pytest.fixture(scope="module")
def weights() -> tuple[torch.Tensor, torch.Tensor]:
    rows = functional.normalize(torch.randn(LATENTS, 768, generator=torch.Generator().manual_seed(2)), dim=-1)
    return rows, rows.clone()


def dictionary(weights: tuple[torch.Tensor, torch.Tensor], tokens: str) -> SparseAutoencoder:
    encoder, rows = weights
    convention = Convention(TopK(K), tokens=tokens)  # pyright: ignore[reportArgumentType]
    return SparseAutoencoder(encoder, torch.zeros(LATENTS), rows, torch.zeros(768), convention=convention)


@contextmanager
def hooked(model: Clip, sae: SparseAutoencoder, component: int) -> Iterator[None]:
    """The usual way: a hook encodes the block's output, edits the dense codes, decodes them, and keeps the error."""

    def splice(_block: object, _inputs: object, x: torch.Tensor) -> torch.Tensor:
        part = x[:, :1] if sae.convention.tokens == "cls" else x
        u = functional.linear(part - sae.bias, sae.encoder, sae.encoder_bias)
        values, places = u.topk(K, dim=-1)
        z = torch.zeros_like(u).scatter(-1, places, values.relu())
        error = part - (z @ sae.dictionary + sae.bias)
        z[..., component] = 0
        steered = z @ sae.dictionary + sae.bias + error
        return torch.cat([steered, x[:, 1:]], dim=1) if sae.convention.tokens == "cls" else steered

    handle = model.visual.transformer.resblocks[model.block].register_forward_hook(splice)
    try:
        yield
    finally:
        handle.remove()


def full_pass(model: Clip, pixels: torch.Tensor) -> torch.Tensor:
    return model.classify(model.network.encode_image(pixels))


def turn_by_turn(*works: Callable[[], object], turns: int = TURNS) -> list[float]:
    """Median seconds of each, one after the other in every turn, so that a busy machine slows all alike."""
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(turns):
        for work, found in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            found.append(time.perf_counter() - start)
    return [statistics.median(found) for found in times]


def shown(rows: list[tuple[str, float, float, str]]) -> None:
    table = Table(title=f"ViT-B/16, {LATENTS:,} latents, TopK {K}, medians of {TURNS} interleaved turns", width=118)
    for title in ("what", "slow way", "our way", "ratio", "goal"):
        table.add_column(title, justify="left" if title == "what" else "right")
    for what, slow, fast, goal in rows:
        ratio = f"{slow / fast:,.0f} x" if goal.startswith(">=") else f"{fast / slow:.3f}"
        table.add_row(what, f"{slow * 1e3:,.1f} ms", f"{fast * 1e3:,.2f} ms", ratio, goal)
    Console(width=120).print(table)


@pytest.fixture(scope="module", autouse=True)
def machine() -> None:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} torch threads, load {load:.1f}, "
        f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
    )


def test_steering_against_a_full_hooked_pass(last, weights, pixels):
    rows = []
    for block, tokens, name, goal in (
        (-1, "cls", "steer, last block, class token", ">= 100"),
        (-2, "all", "steer, second-to-last block, all tokens", ">= 8"),
    ):
        model, sae = last.at(block), dictionary(weights, tokens)
        seen = look(model, sae, pixels)
        component = seen.codes.active()[0]
        plan = SteeringPlan((Edit(component),))

        def hooked_pass(model: Clip = model, sae: SparseAutoencoder = sae, component: int = component) -> torch.Tensor:
            with torch.no_grad(), hooked(model, sae, component):
                return full_pass(model, pixels)

        expected = hooked_pass()[0]
        got = torch.tensor(steer(model, sae, seen, plan).prediction.logits)
        assert torch.allclose(got, expected, atol=1e-3)
        slow, fast = turn_by_turn(hooked_pass, lambda m=model, s=sae, p=plan, k=seen: steer(m, s, k, p))
        rows.append((f"{name} / full hooked pass", slow, fast, goal))
    shown(rows)


def test_attribution_against_full_passes(last, weights, pixels):
    below, sae = last.at(-2), dictionary(weights, "all")
    seen = look(below, sae, pixels)

    def forward_and_backward() -> None:
        leaf = pixels.clone().requires_grad_()
        logits = full_pass(below, leaf)[0]
        torch.autograd.grad(logits[0] - logits[1], leaf)

    rows = []
    slow, fast = turn_by_turn(
        forward_and_backward, lambda: attribute(below, sae, seen, 0, against=1, view=View.GRADIENT)
    )
    rows.append(("view B, second-to-last block / full forward + backward", slow, fast, "<= 0.25"))

    at_end = dictionary(weights, "cls")
    ending = look(last, at_end, pixels)
    components = ending.codes.active()
    assert len(components) == K

    def forward() -> None:
        with torch.no_grad():
            full_pass(last, pixels)

    slow, fast = turn_by_turn(forward, lambda: leave_one_out(last, at_end, ending, 0, 1, components))
    rows.append((f"view D, {K} active latents, last block / full forward", slow, fast, "<= 0.1"))
    _, all_of_d = turn_by_turn(forward, lambda: attribute(last, at_end, ending, 0, against=1, view=View.ABLATION))
    rows.append(("view D as shown, with error, bias and per-token data / full forward", slow, all_of_d, "<= 0.1"))
    shown(rows)


def reference_of(model: Clip, sae: SparseAutoencoder, seen: Look) -> ReferenceSet:
    """1,000 class tokens about that of one picture; how they came about does not matter to the time."""
    noise = torch.randn(PICTURES, 1, 768, generator=torch.Generator().manual_seed(3))
    activations = seen.activations[:, :1] + noise * seen.activations[0, 0].std()
    embeddings = model.embedding(activations, exact=False)
    names = tuple(f"{number}.png" for number in range(PICTURES))
    truth = tuple(number % len(LABELS) for number in range(PICTURES))
    return ReferenceSet(activations, sae.encode(activations), embeddings, LABELS, truth, names)


def test_a_ripple_against_full_passes(last, weights, pixels):
    sae = dictionary(weights, "cls")
    reference = reference_of(last, sae, look(last, sae, pixels))
    common = torch.bincount(reference.codes.components.long()).topk(5).indices.tolist()
    local = SteeringPlan(tuple(Edit(component) for component in common))
    everywhere = SteeringPlan((Edit(common[0], Op.SET, 5.0, scope="all"),))  # pyright: ignore[reportArgumentType]

    def twenty_passes() -> None:
        with torch.no_grad():
            for _ in range(20):
                full_pass(last, pixels)

    slow, near, far = turn_by_turn(
        twenty_passes,
        lambda: ripple(last, sae, reference, local),
        lambda: ripple(last, sae, reference, everywhere),
        turns=3,
    )
    shown(
        [
            (
                "ripple, 5 components where active, 1,000 cached pictures / 1,000 full passes *",
                50 * slow,
                near,
                ">= 500",
            ),
            ("ripple, 1 component set in every picture / 1,000 full passes *", 50 * slow, far, ">= 500"),
        ]
    )
    print("* 20 full passes measured, times 50")
