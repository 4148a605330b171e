"""MSAE's files are read as their names say, scaled by what they hold, and belong to whole embeddings."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from core.checkpoints import CheckpointRefused
from core.checkpoints.msae import read, recognises
from core.checkpoints.places import refuse_place
from core.convention import DatasetNorm, JumpRelu, LayerNorm, NoNorm, Relu, TopK

D, K = 16, 48
REST = "cc3m_ViT-L~14_train_image_2905936_768.pth"


def tensors(*, tied=False, jump=False, d=D, k=K):
    draw = torch.Generator().manual_seed(0)
    state = {
        "pre_bias": 0.1 * torch.randn(d, generator=draw),
        "encoder": torch.randn(d, k, generator=draw),
        "latent_bias": 0.1 * torch.randn(k, generator=draw),
        "decoder": torch.randn(k, d, generator=draw),
        "latents_activation_frequency": torch.zeros(k, dtype=torch.int64),
    }
    if tied:
        del state["decoder"]
    if jump:
        state["activation.log_threshold"] = 0.5 * torch.randn(k, generator=draw)
        state["dead_activations.log_threshold"] = state["activation.log_threshold"]
    return state


def saved(folder, name, state, *, mean=None, scale=2.5):
    mean = torch.randn(D, generator=torch.Generator().manual_seed(3)) if mean is None else mean
    # the library keeps numpy's own number here
    held = {"model": state, "mean_center": mean, "scaling_factor": scale, "target_norm": np.sqrt(D)}
    torch.save(held, folder / name)
    return folder / name


def forward(state, held, activation, x, *, normalise=False):
    mean, scale = held["mean_center"], held["scaling_factor"]
    inner = (x - mean) * scale
    if normalise:
        mu = inner.mean(-1, keepdim=True)
        std = (inner - mu).std(-1, keepdim=True)
        inner = (inner - mu) / (std + 1e-5)
    pre = (inner - state["pre_bias"]) @ state["encoder"] + state["latent_bias"]
    latents = activation(pre)
    out = latents @ (state["decoder"] if "decoder" in state else state["encoder"].T) + state["pre_bias"]
    return latents, (out * std + mu if normalise else out) / scale + mean


def kept(k, act):
    def top(pre):
        values, indices = pre.topk(k, dim=-1)
        return torch.zeros_like(pre).scatter_(-1, indices, act(values))

    return top


@pytest.mark.parametrize(
    ("middle", "due", "activation"),
    [
        ("TopKReLU_40_RW_False_False_0.0", TopK(40), kept(40, torch.relu)),
        ("TopKReLU_7_False_False_0.0", TopK(7), kept(7, torch.relu)),
        ("TopK_40_UW_False_False_0.0", TopK(40, signed=True), kept(40, lambda values: values)),
        ("ReLU_003_False_False_0.0", Relu(), torch.relu),
        ("ReLU_003_True_False_0.0", Relu(), torch.relu),
        ("JumpReLU_48_False_False_0.0", JumpRelu(), None),
        ("JumpReLU_False_False_0.0", JumpRelu(), None),
    ],
)
def test_codes_and_reconstructions_are_its_own(tmp_path, assert_computes, middle, due, activation):
    state = tensors(tied="_True_" in middle, jump="Jump" in middle)
    path = saved(tmp_path, f"{K}_{D}_{middle}_{REST}", state)
    assert recognises(path)
    held = read(path)
    assert (held.format, held.hook, held.block, held.model) == ("msae", "embedding", None, None)
    assert (held.convention.activation, held.convention.normalisation) == (due, DatasetNorm(2.5))
    assert held.said["trained_on"] == REST.removesuffix(".pth")
    assert json.loads(json.dumps(held.said))["target_norm"] == 4.0
    x = torch.randn(6, 1, D, generator=torch.Generator().manual_seed(5))
    jump = activation or (lambda pre: pre.relu() * (pre.relu() > state["activation.log_threshold"].exp()))
    assert_computes(held, x, *forward(state, torch.load(path, weights_only=False), jump, x))


@pytest.mark.slow
def test_at_its_published_size_it_computes_the_same(tmp_path, assert_computes):
    state = tensors(d=768, k=6144)
    for name in ("encoder", "decoder"):  # rows of about length 1, as trained ones are
        state[name] /= 768**0.5
    path = saved(tmp_path, f"6144_768_TopKReLU_64_RW_False_False_0.0_{REST}", state, mean=torch.full((768,), 0.1))
    held, x = read(path), torch.randn(4, 1, 768, generator=torch.Generator().manual_seed(5))
    assert_computes(held, x, *forward(state, torch.load(path, weights_only=False), kept(64, torch.relu), x))


def test_a_normalised_one_is_scaled_before(tmp_path, assert_computes):
    state = tensors()
    path = saved(tmp_path, f"{K}_{D}_ReLU_003_False_True_0.0_{REST}", state, mean=torch.zeros(D), scale=0.01)
    held, x = read(path), torch.randn(6, 1, D, generator=torch.Generator().manual_seed(5))
    assert held.convention.normalisation == LayerNorm(1e-5 / 0.01)
    assert_computes(held, x, *forward(state, torch.load(path, weights_only=False), torch.relu, x, normalise=True))


def test_one_that_is_not_scaled_has_no_normalisation(tmp_path):
    path = saved(tmp_path, f"{K}_{D}_ReLU_003_False_False_0.0_{REST}", tensors(), mean=torch.zeros(D), scale=1.0)
    assert read(path).convention.normalisation == NoNorm()


@pytest.mark.parametrize(("name", "word"), [
    (f"{K}_{D}_TopKReLU_64_RW_False_False_30.0_{REST}", "softly at 30"),
    (f"{K}_{D}_BatchTopKReLU_64_False_False_0.0_{REST}", "rest of the batch"),
    (f"{K}_{D}_TopKabs_64_False_False_0.0_{REST}", "TopKabs"),
    (f"{K}_{D}_Identity_False_False_0.0_{REST}", "Identity"),
    (f"{K}_{D}_ReLU_003_False_True_0.0_{REST}", "one of the two"),
    ("mine.pth", "the name it was published under"),
    (f"{K}_{D}_TopKReLU_64.pth", "the name it was published under"),
    (f"{K + 1}_{D}_ReLU_003_False_False_0.0_{REST}", "not \\(16, 49\\)"),
])  # fmt: skip
def test_what_cannot_be_computed_is_refused_by_name(tmp_path, name, word):
    path = saved(tmp_path, name, tensors())
    assert recognises(path)
    with pytest.raises(CheckpointRefused, match=word):
        read(path)


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"scale": float("inf")}, {"scale": "x"}, {"mean": torch.zeros(3)}])
def test_one_that_does_not_say_its_scale_is_refused(tmp_path, wrong):
    with pytest.raises(CheckpointRefused, match="mean_center"):
        read(saved(tmp_path, f"{K}_{D}_ReLU_003_False_False_0.0_{REST}", tensors(), **wrong))


def test_a_dictionary_of_embeddings_has_a_place_where_the_tower_is_cut(tmp_path):
    """No block is asked for; what the file leaves unsaid is whether embeddings were brought to length 1 first."""
    held = read(saved(tmp_path, f"{K}_{D}_ReLU_003_False_False_0.0_{REST}", tensors()))
    refuse_place(held)
    assert (held.place, held.unsaid) == ("embedding", ("length",))
    assert held.convention.tokens == "cls"  # an embedding is one token, and what is converted has the same digest
    # a layer norm forgets the length itself
    normed = saved(tmp_path, f"{K}_{D}_ReLU_003_False_True_0.0_{REST}", tensors(), mean=torch.zeros(D))
    assert read(normed).unsaid == ()
