"""The gate at the size of published dictionaries: 768 by 49,152, in seconds and in bounded memory."""

from __future__ import annotations

import resource
import time

import open_clip
import pytest
import torch
from torch.nn import functional

from core.checkpoints.contents import Checkpoint
from core.checkpoints.gate import accept
from core.convention import Activation, Convention, Relu, TokenSet, TopK
from core.model import Clip

pytestmark = pytest.mark.slow

WIDTH, LATENTS, DIRECTIONS = 768, 49_152, 64


@pytest.fixture(scope="module")
def model() -> Clip:
    torch.manual_seed(1)
    network = open_clip.create_model("ViT-B-32", pretrained=None)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    return Clip.wrap(
        network, lambda image: image, tokenizer, name="ViT-B-32", block=-1, labels=("apple", "boat"), digest="random"
    )


@pytest.mark.parametrize(
    ("activation", "tokens", "token_set"),
    [(TopK(64), 1, "cls"), (Relu(), 50, "all")],
    ids=["class token", "all tokens"],
)
def test_a_published_size_is_judged_in_seconds(model, activation: Activation, tokens: int, token_set: TokenSet):
    """Activations in 64 directions about a mean; the dictionary holds both signs of each, and rows that never fire."""
    draw = torch.Generator().manual_seed(4)
    axes = torch.linalg.qr(torch.randn(WIDTH, DIRECTIONS, generator=draw)).Q.T
    mean = torch.randn(WIDTH, generator=draw)
    x = mean + torch.randn(256, tokens, DIRECTIONS, generator=draw) @ axes
    rows = functional.normalize(torch.randn(LATENTS, WIDTH, generator=draw), dim=-1)
    rows[: 2 * DIRECTIONS] = torch.cat([axes, -axes])
    silent = torch.full((LATENTS,), -20.0)
    silent[: 2 * DIRECTIONS] = 0
    convention = Convention(activation, pre_bias=False, tokens=token_set)  # and it should say true
    checkpoint = Checkpoint("test", "w.pt", "0", rows, silent, rows, mean, convention, block=11)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    accepted = accept(checkpoint, model, x)
    seconds = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    gate = accepted.header["gate"]
    print(f"{token_set}: {seconds:.1f} s of the processor, {grown:.0f} MB more, {gate['rows']} rows")
    assert gate["corrected"]
    assert gate["chosen"]["pre_bias"]
    assert gate["explained"] > 0.99
    assert seconds < 90  # of all cores together
    assert grown < 1200
