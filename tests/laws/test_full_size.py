"""Full-size towers with random weights: steering and its views against hooked passes that share nothing with them."""

from __future__ import annotations

import open_clip
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.attribution import attribute, leave_one_out
from core.model import Clip
from core.sae import Convention, SparseAutoencoder, TopK
from core.steering import look, steer
from core.types import Edit, Op, Scope, SteeringPlan, View

pytestmark = pytest.mark.slow

LATENTS, K = 4096, 64
LABELS = ("apple", "boat", "car")


@pytest.fixture(scope="module", params=["ViT-B-32", "ViT-B-16", "ViT-L-14"])
def model(request) -> Clip:
    torch.manual_seed(1)
    network = open_clip.create_model(request.param, pretrained=None)
    network.logit_scale.data.fill_(4.6052)  # 100, as trained models have it
    network.visual.ln_post.bias.data.normal_(std=0.3)
    tokenizer = open_clip.get_tokenizer(request.param)
    return Clip.wrap(
        network, lambda image: image, tokenizer, name=request.param, block=-1, labels=LABELS, digest="random"
    )


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(5))


def weights(model: Clip) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(2)
    rows = functional.normalize(torch.randn(LATENTS, model.width, generator=draw), dim=-1)
    return rows, 0.1 * torch.randn(LATENTS, generator=draw), 0.1 * torch.randn(model.width, generator=draw)


def dictionary(model: Clip) -> SparseAutoencoder:
    rows, encoder_bias, bias = weights(model)
    return SparseAutoencoder(rows.clone(), encoder_bias, rows, bias, convention=Convention(TopK(K)))


def hooked_logits(model: Clip, pixels: Tensor, edit) -> Tensor:
    """The whole tower with the block's output taken apart, edited and put together again, in double precision."""
    rows, encoder_bias, bias = (each.double() for each in weights(model))

    def splice(_block, _inputs, x):
        u = (x.double() - bias) @ rows.T + encoder_bias
        values, places = u.topk(K, dim=-1)
        z = torch.zeros_like(u).scatter(-1, places, values.clamp_min(0))
        error = x.double() - (z @ rows + bias)
        return (edit(z) @ rows + bias + error).float()

    handle = model.visual.transformer.resblocks[model.block].register_forward_hook(splice)
    try:
        with torch.no_grad():
            vector = functional.normalize(model.network.encode_image(pixels), dim=-1)
    finally:
        handle.remove()
    return (100 * vector @ model.text.T)[0]


@pytest.mark.parametrize("block", [-1, -2, 3])
def test_steering_and_leaving_out_are_hooked_passes(model, pixels, block):
    half, sae = model.at(block), dictionary(model)
    seen = look(half, sae, pixels)
    ranked = attribute(half, sae, seen, 0, against=1).ranked(5)
    one, two, three, four, five = ranked
    plan = SteeringPlan(
        (
            Edit(one),
            Edit(two, Op.SCALE, 3.0),
            Edit(three, Op.SET, 2.0, Scope.ALL),
            Edit(four, Op.ADD, -1.0, Scope.CLASS),
            Edit(five, Op.SET, 4.0, Scope.PATCHES, (0, 3, 10)),
        )
    )

    def edit(z: Tensor) -> Tensor:
        after = z.clone()
        after[..., one] = 0
        after[..., two] *= 3
        after[..., three] = 2
        after[:, 0, four] = (z[:, 0, four] - 1).clamp_min(0)
        after[:, [1, 4, 11], five] = 4
        return after

    assert torch.allclose(torch.tensor(seen.clean.logits), hooked_logits(half, pixels, lambda z: z), atol=2e-4)
    steered = torch.tensor(steer(half, sae, seen, plan).prediction.logits)
    assert torch.allclose(steered, hooked_logits(half, pixels, edit), atol=2e-4)
    effects = leave_one_out(half, sae, seen, 0, 1, ranked)
    for component, effect in list(effects.items())[:2]:
        without = hooked_logits(half, pixels, lambda z, out=component: z.index_fill(-1, torch.tensor([out]), 0.0))
        assert effect == pytest.approx(seen.clean.margin(0, 1) - (without[0] - without[1]).item(), abs=4e-4)


def test_the_exact_view_sums_to_the_margin(model, pixels):
    sae = dictionary(model)
    seen = look(model, sae, pixels)
    found = attribute(model, sae, seen, 0, against=1, view=View.EXACT)
    assert found.total == pytest.approx(seen.clean.margin(0, 1), abs=1e-4)
    assert len(found.components) == K
