"""PatchSAE's and ConceptScope's files compute what their forward pass does, and say block and tokens their own way."""

from __future__ import annotations

import json

import pytest
import torch
from torch import einsum

from core.checkpoints import CheckpointRefused
from core.checkpoints.patchsae import read, recognises
from core.convention import NoNorm, Relu

D, K = 16, 48

SAID = {
    "custom_clip_ckpt_path": None,
    "class_token": "include",
    "model_name": "openai/clip-vit-large-patch14",
    "module_name": "resid",
    "block_layer": -2,
    "dataset_path": "evanarlian/imagenet_1k_resized_256",
    "d_in": D,
    "d_sae": K,
    "dtype": torch.float32,
    "device": torch.device("cuda"),
    "gated_sae": False,
    "l1_coefficient": 8e-05,
}


def tensors(seed=0, d=D, k=K):
    draw = torch.Generator().manual_seed(seed)
    return {
        "W_enc": torch.randn(d, k, generator=draw) / d**0.5,
        "b_enc": 0.3 * torch.randn(k, generator=draw),
        "W_dec": torch.nn.functional.normalize(torch.randn(k, d, generator=draw), dim=1),
        "b_dec": torch.randn(d, generator=draw),
    }


def forward(state, x):
    sae_in = x - state["b_dec"]
    acts = (einsum("...d,dk->...k", sae_in, state["W_enc"]) + state["b_enc"]).relu()
    return acts, einsum("...k,kd->...d", acts, state["W_dec"]) + state["b_dec"]


@pytest.fixture
def saved(tmp_path, module_named):
    """A function that writes a file with the configuration pickled as the library's class."""

    def save(key="cfg", name="src.sae_training.config.ViTSAERunnerConfig", state=None, **changed):
        class Shown:
            pass

        shown = module_named(Shown, name)()
        shown.__dict__.update(SAID | changed)
        path = tmp_path / "clip-vit-large-patch14_-2_resid_32768.pt"
        torch.save({key: shown, "state_dict": state or tensors()}, path)
        return path

    return save


@pytest.mark.parametrize("name", ["src.sae_training.config.ViTSAERunnerConfig", "src.sae_training.config.Config",
                                  "sae_training.config.ViTSAERunnerConfig"])  # fmt: skip
@pytest.mark.parametrize("key", ["cfg", "config"])
def test_codes_and_reconstructions_are_the_librarys_own(saved, assert_computes, key, name):
    path = saved(key, name)
    assert recognises(path)
    held = read(path)
    assert (held.format, held.block, held.hook, held.model) == (
        "patchsae",
        22,
        "block",
        "openai/clip-vit-large-patch14",
    )
    assert held.notes == (
        "It says block -2, counted from the end: block 22 of the 24 of openai/clip-vit-large-patch14.",
    )
    assert (held.convention.activation, held.convention.normalisation) == (Relu(), NoNorm())
    assert (held.convention.pre_bias, held.convention.tokens, held.unsaid) == (True, "all", ())
    assert json.loads(json.dumps(held.said)) == held.said
    assert (held.said["dtype"], held.said["device"]) == ("float32", "cuda")
    x = 2 * torch.randn(2, 5, D, generator=torch.Generator().manual_seed(5)) + 1
    assert_computes(held, x, *forward(tensors(), x))


@pytest.mark.parametrize(("model", "layer", "block"), [
    ("openai/clip-vit-base-patch16", -2, 10),
    ("openai/clip-vit-base-patch16", 10, 10),
    ("openai/clip-vit-large-patch14-336", -1, 23),
    ("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", -2, 30),
    ("somebody/own-model", -2, None),
    ("openai/clip-vit-base-patch16", -13, None),
])  # fmt: skip
def test_blocks_from_the_end_are_counted_where_the_model_is_known(saved, model, layer, block):
    assert read(saved(model_name=model, block_layer=layer)).block == block


@pytest.mark.parametrize(("said", "tokens"), [
    (True, "cls"), ("only", "cls"), (False, "all"), (None, "all"), ("include", "all"), ("exclude", "patches")
])  # fmt: skip
def test_tokens_are_said_in_two_ways(saved, said, tokens):
    assert read(saved(class_token=said)).convention.tokens == tokens


@pytest.mark.parametrize(("changed", "word"), [
    ({"gated_sae": True}, "gated"),
    ({"module_name": "mlp"}, "'mlp'"),
    ({"class_token": "some"}, "class_token 'some'"),
    ({"block_layer": "last"}, "block_layer 'last'"),
    ({"d_in": 17}, "not \\(17"),
])  # fmt: skip
def test_what_cannot_be_computed_is_refused_by_name(saved, changed, word):
    path = saved(**changed)
    assert recognises(path)
    with pytest.raises(CheckpointRefused, match=word):
        read(path)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "size", "model"), [
    (768, 49_152, "openai/clip-vit-base-patch16"), (1024, 32_768, "openai/clip-vit-large-patch14")
])  # fmt: skip
def test_at_their_true_sizes_they_compute_the_same(saved, assert_computes, width, size, model):
    """PatchSAE's and ConceptScope's."""
    state = tensors(d=width, k=size)
    state["b_enc"] -= 5
    held = read(saved(state=state, d_in=width, d_sae=size, model_name=model))
    x = 2 * torch.randn(2, 4, width, generator=torch.Generator().manual_seed(5)) + 1
    assert_computes(held, x, *forward(state, x))
