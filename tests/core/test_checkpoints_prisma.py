"""Prisma's files compute what its own forward pass does, written here in its own notation."""

from __future__ import annotations

import json
import time
from collections import OrderedDict

import pytest
import torch
from torch import einsum

from core.checkpoints import CheckpointRefused
from core.checkpoints.prisma import read, recognises
from core.convention import ConstantNorm, JumpRelu, LayerNorm, NoNorm, Relu, TopK

D, K = 16, 48

# the fields that a published sweep's config.json has
SWEEP = {
    "model_class_name": "HookedViT",
    "model_name": "open-clip:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "vit_model_cfg": None,
    "hook_point_layer": 2,
    "layer_subtype": "hook_resid_post",
    "hook_point_head_index": None,
    "context_size": 50,
    "use_cached_activations": False,
    "use_patches_only": False,
    "cached_activations_path": "activations/imagenet/open-clip/blocks.6.hook_resid_post",
    "d_in": D,
    "activation_fn_str": "topk",
    "activation_fn_kwargs": {"k": 5},
    "cls_token_only": False,
    "initialization_method": "encoder_transpose_decoder",
    "normalize_activations": "layer_norm",
    "device": {"__type__": "torch.device", "value": "cuda"},
    "dtype": {"__type__": "torch.dtype", "value": "torch.float32"},
    "architecture": "standard",
    "expansion_factor": 3,
    "d_sae": K,
    "l1_coefficient": 2.5676368954204095e-09,
}


def said(**changed):
    return {**SWEEP, "normalize_activations": None, "activation_fn_str": "relu", "activation_fn_kwargs": {}} | changed


def tensors(d=D, k=K, *, gated=False, seed=0):
    draw = torch.Generator().manual_seed(seed)
    state = OrderedDict(
        W_dec=torch.nn.functional.normalize(torch.randn(k, d, generator=draw), dim=1),
        W_enc=torch.randn(d, k, generator=draw) / d**0.5,
        b_enc=0.3 * torch.randn(k, generator=draw),
        b_dec=torch.randn(d, generator=draw),
    )
    if gated:
        state |= {name: 0.5 * torch.randn(k, generator=draw) for name in ("b_gate", "r_mag", "b_mag")}
    return state


def folder(path, config, state=None, name="weights.pt"):
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    torch.save(tensors() if state is None else state, path / name)
    return path


def activations(d=D, images=3, tokens=5, seed=9):
    return 2 * torch.randn(images, tokens, d, generator=torch.Generator().manual_seed(seed)) + 1


def forward(state, config, x):
    """Prisma's `SparseAutoencoder.forward`, written anew from its definition: codes and reconstruction of tokens."""
    norm = config["normalize_activations"]
    if norm == "layer_norm":
        mu = x.mean(-1, keepdim=True)
        std = (x - mu).std(-1, keepdim=True)
        read_in, back = (x - mu) / (std + 1e-5), lambda y: y * std + mu
    elif norm == "constant_norm_rescale":
        coefficient = x.shape[-1] ** 0.5 / x.norm(dim=-1, keepdim=True)
        read_in, back = x * coefficient, lambda y: y / coefficient
    else:
        read_in, back = x, lambda y: y
    sae_in = read_in - state["b_dec"]
    if config["architecture"] == "gated":
        active = (einsum("...d,dk->...k", sae_in, state["W_enc"]) + state["b_gate"] > 0).float()
        magnitude = einsum("...d,dk->...k", sae_in, state["W_enc"] * state["r_mag"].exp()) + state["b_mag"]
        acts = active * magnitude.relu()
    else:
        hidden = einsum("...d,dk->...k", sae_in, state["W_enc"]) + state["b_enc"]
        acts = hidden.relu()
        if config["activation_fn_str"] == "topk":
            top = hidden.topk(config["activation_fn_kwargs"]["k"], dim=-1)
            acts = torch.zeros_like(hidden).scatter_(-1, top.indices, top.values.relu())
    return acts, back(einsum("...k,kd->...d", acts, state["W_dec"]) + state["b_dec"])


@pytest.mark.parametrize(
    ("config", "activation", "normalisation"),
    [
        (said(), Relu(), NoNorm()),
        (said(normalize_activations="none"), Relu(), NoNorm()),
        (said(normalize_activations="layer_norm"), Relu(), LayerNorm(1e-5)),
        (said(normalize_activations="constant_norm_rescale"), Relu(), ConstantNorm()),
        (said(activation_fn_str="topk", activation_fn_kwargs={"k": 7}), TopK(7), NoNorm()),
        (SWEEP, TopK(5), LayerNorm(1e-5)),
        (said(architecture="gated"), JumpRelu(), NoNorm()),
        (said(architecture="gated", normalize_activations="layer_norm"), JumpRelu(), LayerNorm(1e-5)),
    ],
)
def test_codes_and_reconstructions_are_prismas_own(tmp_path, assert_computes, config, activation, normalisation):
    state = tensors(gated=config["architecture"] == "gated")
    path = folder(tmp_path / "x", config, state)
    assert recognises(path)
    held = read(path)
    assert (held.convention.activation, held.convention.normalisation) == (activation, normalisation)
    assert held.convention.pre_bias
    assert (held.unsaid, held.format, held.source) == ((), "prisma", "weights.pt")
    x = activations()
    assert_computes(held, x, *forward(state, config, x))


@pytest.mark.parametrize(("flag", "tokens", "cut"), [
    ("cls_token_only", "cls", slice(0, 1)), ("use_patches_only", "patches", slice(1, None))
])  # fmt: skip
def test_it_speaks_for_the_tokens_that_it_was_trained_on(tmp_path, assert_computes, flag, tokens, cut):
    config, state, x = said(**{flag: True}), tensors(), activations()
    held = read(folder(tmp_path / "x", config, state))
    assert held.convention.tokens == tokens
    assert_computes(held, x, *forward(state, config, x[:, cut]))


def test_the_gate_folded_into_a_threshold_is_the_gate(tmp_path):
    """Where a gate is shut, its magnitude may be large; where it is open, its magnitude may be below 0."""
    config, state = said(architecture="gated"), tensors(gated=True)
    x = activations(images=64)
    due, _ = forward(state, config, x)
    pre = (x - state["b_dec"]) @ state["W_enc"]
    magnitude = pre * state["r_mag"].exp() + state["b_mag"]
    assert ((pre + state["b_gate"] <= 0) & (magnitude > 0)).any()
    assert ((pre + state["b_gate"] > 0) & (magnitude < 0)).any()
    found = read(folder(tmp_path / "x", config, state)).stated().encode(x).dense()
    torch.testing.assert_close(found, due, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["vit_prisma.sae.config.VisionModelSAERunnerConfig",
                                  "src.vit_prisma.sae.config.VisionModelSAERunnerConfig"])  # fmt: skip
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_pickled_configuration_is_read_and_its_class_never_made(tmp_path, module_named, name, zipped):
    class Shown:
        def __init__(self, fields):
            self.__dict__.update(fields)
            self.device, self.dtype = torch.device("cpu"), torch.float32
            self.hook_point = "blocks.2.hook_resid_post"

    config = {key: value for key, value in SWEEP.items() if key not in ("device", "dtype")}
    path = tmp_path / "n_images_2600058.pt"
    saved = {"cfg": module_named(Shown, name)(config), "state_dict": tensors()}
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    assert recognises(path)
    held = read(path)
    assert (held.block, held.hook, held.source) == (2, "block", "n_images_2600058.pt")
    assert held.convention.activation == TopK(5)
    assert (held.said["device"], held.said["dtype"], held.said["activation_fn_kwargs"]) == ("cpu", "float32", {"k": 5})
    assert json.loads(json.dumps(held.said)) == held.said


def test_the_files_own_configuration_goes_before_the_one_beside_it(tmp_path):
    path = folder(tmp_path / "x", said(hook_point_layer=9),
                  {"cfg": said(hook_point_layer=10), "state_dict": tensors()})  # fmt: skip
    held = read(path)
    assert held.block == 10
    assert held.notes == ("config.json says hook_point_layer 9, the file 10: the file's was taken.",)


def test_the_layer_is_the_one_trained_on_and_no_cached_paths(tmp_path):
    held = read(folder(tmp_path / "x", said(hook_point="blocks.6.hook_mlp_out")))
    assert (held.block, held.hook) == (2, "block")
    assert held.model == "open-clip:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K"
    assert (held.said["device"], held.said["dtype"]) == ("cuda", "float32")


@pytest.mark.parametrize(("changed", "block", "hook"), [
    ({"layer_subtype": "hook_resid_pre"}, 1, "block"),
    ({"layer_subtype": "hook_mlp_out"}, 2, "mlp_out"),
    ({"layer_subtype": None, "hook_point": "blocks.2.hook_mlp_out"}, 2, "mlp_out"),
    ({"hook_point_layer": [9]}, 9, "block"),
])  # fmt: skip
def test_places_in_the_tower(tmp_path, changed, block, hook):
    held = read(folder(tmp_path / "x", said(**changed)))
    assert (held.block, held.hook) == (block, hook)


@pytest.mark.parametrize(("changed", "word"), [
    ({"layer_subtype": "hook_attn_out"}, "hook_attn_out"),
    ({"layer_subtype": "hook_resid_pre", "hook_point_layer": 0}, "hook_resid_pre"),
    ({"layer_subtype": None}, "layer_subtype"),
    ({"hook_point_head_index": 3}, "attention head"),
    ({"architecture": "jumprelu"}, "jumprelu"),
    ({"activation_fn_str": "tanh-relu"}, "tanh-relu"),
    ({"architecture": "gated", "activation_fn_str": "topk"}, "gated"),
    ({"activation_fn_str": "topk"}, "no"),
    ({"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5, "postact_fn": "gelu"}}, "postact_fn"),
    ({"cls_token_only": True, "use_patches_only": True}, "both"),
    ({"is_transcoder": True}, "transcoder"),
    ({"d_in": 17}, "not \\(17"),
    ({"d_sae": "many"}, "d_sae 'many'"),
])  # fmt: skip
def test_what_cannot_be_computed_is_refused_by_name(tmp_path, changed, word):
    state = tensors(gated=changed.get("architecture") == "gated")
    path = folder(tmp_path / "x", said(**changed), state)
    assert recognises(path)
    with pytest.raises(CheckpointRefused, match=word):
        read(path)


@pytest.mark.parametrize("extra", [{"b_dec_out": torch.zeros(D)}, {"W_skip": torch.zeros(D, D)}])
def test_a_transcoder_is_refused_by_its_tensors(tmp_path, extra):
    path = folder(tmp_path / "x", said(), {**tensors(), **extra})
    assert recognises(path)
    with pytest.raises(CheckpointRefused, match=f"transcoder .it holds {next(iter(extra))}"):
        read(path)


def test_what_the_configuration_leaves_open_is_said_to_be(tmp_path):
    config = said()
    del config["normalize_activations"]
    held = read(folder(tmp_path / "x", config))
    assert held.unsaid == ("normalisation",)
    assert held.convention.normalisation == LayerNorm(1e-5)  # today's default of the library
    other = read(folder(tmp_path / "y", said(normalize_activations="expected_average_only_in")))
    assert (other.unsaid, other.convention.normalisation) == (("normalisation",), NoNorm())


def test_weights_without_a_configuration_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(tensors(), path)
    assert recognises(path)
    with pytest.raises(CheckpointRefused, match=r"put its config.json beside it"):
        read(path)


def test_of_several_the_latest_is_read_and_a_folder_without_is_refused(tmp_path):
    path = folder(tmp_path / "x", said(), name="n_images_13.pt")
    torch.save(tensors(seed=1), path / "n_images_2600058.pt")
    assert read(path).source == "n_images_2600058.pt"
    assert read(path / "config.json").source == "n_images_2600058.pt"
    empty = tmp_path / "y"
    empty.mkdir()
    assert not recognises(empty)
    with pytest.raises(CheckpointRefused, match=r"n_images_\*.pt"):
        read(empty)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_single(tmp_path, assert_computes, dtype):
    state = {name: tensor.to(dtype) for name, tensor in tensors().items()}
    held, x = read(folder(tmp_path / "x", said(), state)), activations()
    assert_computes(held, x, *forward({name: tensor.float() for name, tensor in state.items()}, said(), x))


def test_a_transposed_matrix_is_put_right_and_named(tmp_path, assert_computes):
    state, x = tensors(), activations()
    turned = {**state, "W_dec": state["W_dec"].T.contiguous()}
    held = read(folder(tmp_path / "x", said(), turned))
    assert held.notes == ("W_dec lay the other way round, (16, 48), and was put right.",)
    assert_computes(held, x, *forward(state, said(), x))


def test_a_square_matrix_is_left_as_it_is(tmp_path):
    state = tensors(k=D)
    turned = {**state, "W_dec": state["W_dec"].T.contiguous()}
    held = read(folder(tmp_path / "x", said(d_sae=D), turned))
    assert held.notes == ()
    assert torch.equal(held.dictionary, turned["W_dec"])


def test_a_configuration_of_any_depth_is_said_shortened(tmp_path):
    path = folder(tmp_path / "x", said())
    deep = "[" * 700 + "]" * 700
    (path / "config.json").write_text(json.dumps(said())[:-1] + f', "more": {deep}}}')
    assert recognises(path)
    assert "..." in json.dumps(read(path).said["more"])


def test_broken_tensors_are_named(tmp_path):
    state = tensors()
    del state["b_enc"]
    path = folder(tmp_path / "x", said(), state)
    assert not recognises(path)
    for name, wrong in (("b_enc", torch.zeros(47)), ("W_enc", torch.full((D, K), torch.nan)), ("b_dec", torch.ones(3))):
        with pytest.raises(CheckpointRefused, match=name):
            read(folder(tmp_path / name, said(), {**tensors(), name: wrong}))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["topk", "vanilla"])
def test_at_its_true_size_it_computes_the_same(tmp_path, assert_computes, kind):
    d, k = 768, 49152
    changed = {"cls_token_only": True, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 64}}
    config = said(d_in=d, d_sae=k, hook_point_layer=11, **(changed if kind == "topk" else {}))
    state = tensors(d, k)
    state["b_enc"] -= 5  # about a thousand codes a token, as the published ones have
    path = folder(tmp_path / "x", config, state if kind == "topk" else {"cfg": config, "state_dict": state})
    began = time.perf_counter()
    held = read(path)
    print(f"{kind}: {time.perf_counter() - began:.2f} s for {(path / 'weights.pt').stat().st_size / 1e6:.0f} MB")
    x = activations(d, images=2, tokens=4)
    assert_computes(held, x, *forward(state, config, x[:, :1] if kind == "topk" else x))
