"""What an index is counted from, by its quicker way through tower and encoder, is what model and dictionary give."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transformer import Transformer

from core.indexing.encoding import ByComponent, Screened, encoder_of
from core.indexing.forward import Sight
from core.packing import PackedBlock
from core.sae import BatchTopK, Convention, JumpRelu, LayerNorm, Relu, TopK

pytestmark = pytest.mark.usefixtures("packs")
WAYS = [ByComponent]
if torch.cpu._is_avx512_bf16_supported():
    WAYS.append(Screened)

TOWERS = {
    "plain": {},
    "layer scale": {"ls_init_value": 0.1},
    "average pooling": {"pool_type": "avg"},
    "custom blocks": {"qk_norm": True, "scale_attn": True},
}
READ = {
    "ReLU": (Convention(Relu()), {}),
    "BatchTopK of patches": (Convention(BatchTopK(6, 0.4), tokens="patches"), {}),
    "JumpReLU": (Convention(JumpRelu(), pre_bias=False), {"thresholds": torch.linspace(-1, 1, 64)}),
    "class token, normalised": (Convention(Relu(), tokens="cls", normalisation=LayerNorm(1e-5)), {}),
}


@pytest.fixture(params=[True, False], ids=["packed", "plain"])
def packs(request, monkeypatch) -> bool:
    """Each way is right on each processor, and only a matter of how quick."""
    if request.param and not torch.backends.mkldnn.is_available():
        pytest.skip("this build of torch has no oneDNN")
    for module in ("core.packing", "core.indexing.encoding"):
        monkeypatch.setattr(f"{module}.can_pack", lambda weights: request.param)
    return request.param


@pytest.mark.parametrize("tower", TOWERS)
@pytest.mark.parametrize(("block", "tokens"), [(0, "all"), (-2, "all"), (-1, "all"), (-1, "cls"), ("embedding", "cls")])
def test_activations_and_embeddings_are_those_of_the_model(
    make_network, make_clip, make_sae, pixels, tower, block, tokens
):
    _agree(make_clip(make_network(**TOWERS[tower]), block=block), make_sae, pixels, tokens)


def test_tokens_first_and_quick_gelu_are_no_exception(make_network, make_clip, make_sae, pixels):
    first = make_network()
    torch.manual_seed(5)
    first.visual.transformer = Transformer(32, 3, 4, batch_first=False)
    vision = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3}
    text = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    quick = open_clip.CLIP(embed_dim=24, vision_cfg=vision, text_cfg=text, quick_gelu=True)
    for network in (first, quick):
        _agree(make_clip(network, block=-2), make_sae, pixels, "all")


def _agree(model, make_sae, pixels, tokens):
    sight = Sight(model, make_sae(model, Convention(Relu(), tokens=tokens)), 4)
    activations, embeddings = sight.halves(pixels)
    due = model.activations(pixels)
    assert torch.allclose(activations, due[:, : activations.shape[1]], atol=1e-5)
    assert torch.allclose(embeddings, model.embedding(due), atol=1e-5)


def test_the_blocks_are_packed_where_that_is_quicker(make_network, make_clip, make_sae, packs):
    model = make_clip(make_network(), block=-2)
    blocks = Sight(model, make_sae(model, Convention(Relu())), 4)._blocks
    assert [type(each) is PackedBlock for each in blocks] == [packs] * 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("read", READ)
def test_codes_are_those_of_the_encoder_sorted_by_component(tiny_model, make_sae, monkeypatch, way, read):
    monkeypatch.setattr("core.indexing.encoding.AT_ONCE", 1)  # several pieces
    monkeypatch.setattr("core.indexing.encoding._ROWS_AT_ONCE", 10)
    convention, parts = READ[read]
    sae = make_sae(tiny_model, convention, **parts)
    x = torch.randn(5, 17, 32, generator=torch.Generator().manual_seed(3)) * torch.logspace(-2, 2, 32)
    due, (rows, components, values) = sae.encode(x).dense().view(-1, 64).numpy(), way(sae)(x)
    said = np.zeros_like(due)
    said[rows, components] = values
    assert len(values) > 100
    assert np.allclose(said, due, rtol=1e-5, atol=1e-4)
    assert (np.diff(components.astype(np.int64) * len(due) + rows) > 0).all()


@pytest.mark.skipif(Screened not in WAYS, reason="no product in bfloat16")
@pytest.mark.parametrize("width", [16, 768])
def test_no_code_is_lost_where_bfloat16_is_furthest_off(tiny_model, make_sae, width):
    sae = make_sae(tiny_model, Convention(Relu(), pre_bias=False))
    exact = torch.full((64, width), 1 + 2**-8 - 2**-16)  # each number is rounded down, by almost half a step
    sae.encoder.data, sae.bias.data, sae.dictionary.data = exact, torch.zeros(width), exact
    x = exact[:3].view(1, 3, width)
    product = (exact[:1].double() @ x[0, 0].double()).item()
    assert (exact.bfloat16().double() @ x[0, 0].bfloat16().double()).max() < product * 0.999
    for sign in (1, -1):
        sae.encoder_bias.data = torch.full((64,), -product * (1 - sign * 1e-5))
        rows, _, values = Screened(sae)(x)
        assert len(rows) == (64 * 3 if sign > 0 else 0)
        assert values == pytest.approx(product * 1e-5, rel=0.2)


def test_codes_chosen_by_rank_come_from_the_encoder_itself(tiny_model, make_sae):
    assert not isinstance(encoder_of(make_sae(tiny_model, Convention(TopK(6)))), ByComponent)
    assert isinstance(encoder_of(make_sae(tiny_model, Convention(Relu()))), ByComponent)
