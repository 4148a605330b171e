"""SAELens: every architecture, its configurations from version 3 to 6, and what is refused."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from dictionaries import Weights, assert_computes, tokens, write_saelens

from core.checkpoints import CheckpointRefused
from core.checkpoints.saelens import read, recognises
from core.convention import TopK

WEIGHTS = Weights.random()
MORE = {
    "standard": {},
    "jumprelu": {"threshold": torch.linspace(-0.2, 1, 48)},
    "gated": {"r_mag": torch.linspace(-1, 1, 48), "b_gate": 0.2 * torch.randn(48), "b_mag": 0.2 * torch.randn(48)},
    "topk": {},
}


def state_of(architecture: str) -> dict[str, torch.Tensor]:
    state = {**WEIGHTS.state, **MORE[architecture]}
    if architecture == "gated":
        del state["b_enc"]
    return state


def worked_out(x, w, architecture, *, norm="none", pre_bias=True, k=5, rescaled=False):
    """Codes and reconstruction, by the documentation's formulas in the library's notation."""
    a, b = torch.ones_like(x[..., :1]), torch.zeros_like(x[..., :1])
    read = x
    if norm == "constant_norm_rescale":
        a = x.square().sum(-1, keepdim=True).sqrt() / x.shape[-1] ** 0.5
        read = x / a
    if norm == "layer_norm":
        b = x.mean(-1, keepdim=True)
        a = ((x - b).square().sum(-1, keepdim=True) / (x.shape[-1] - 1)).sqrt()
        read = (x - b) / (a + 1e-5)
    if pre_bias:
        read = read - w["b_dec"]
    lengths = w["W_dec"].square().sum(-1).sqrt() if rescaled else torch.ones(48)
    if architecture == "gated":
        gate = read @ w["W_enc"] + w["b_gate"] > 0
        codes = gate * torch.relu(read @ (w["W_enc"] * w["r_mag"].exp()) + w["b_mag"])
    else:
        u = (read @ w["W_enc"] + w["b_enc"]) * lengths
        kept = torch.ones_like(u)
        if architecture == "topk":
            kept = u >= u.sort(dim=-1, descending=True).values[..., k - 1 : k]
        if architecture == "jumprelu":
            kept = u > w["threshold"]
        codes = torch.relu(u) * kept
    return codes, ((codes / lengths) @ w["W_dec"] + w["b_dec"]) * a + b


@pytest.mark.parametrize("norm", ["none", "constant_norm_rescale", "layer_norm", "expected_average_only_in"])
@pytest.mark.parametrize("pre_bias", [True, False])
@pytest.mark.parametrize("architecture", MORE)
def test_every_architecture_under_every_normalisation_computes_its_formula(tmp_path, architecture, pre_bias, norm):
    state, x = state_of(architecture), tokens()
    folder = write_saelens(
        tmp_path, state, architecture=architecture, k=5, normalize_activations=norm, apply_b_dec_to_input=pre_bias
    )
    assert recognises(folder)
    checkpoint = read(folder)
    assert_computes(checkpoint, *worked_out(x, state, architecture, norm=norm, pre_bias=pre_bias), x)
    assert checkpoint.unsaid == (("normalisation",) if norm == "expected_average_only_in" else ())
    assert (checkpoint.block, checkpoint.hook, checkpoint.model) == (9, "block", "clip")


def test_a_top_k_chosen_by_the_length_of_rows_is_folded_into_the_weights(tmp_path):
    x = tokens()
    checkpoint = read(
        write_saelens(tmp_path, WEIGHTS.state, architecture="topk", k=5, rescale_acts_by_decoder_norm=True)
    )
    assert_computes(checkpoint, *worked_out(x, WEIGHTS.state, "topk", rescaled=True), x)
    plain, _ = worked_out(x, WEIGHTS.state, "topk")
    assert not torch.equal(plain != 0, checkpoint.stated().encode(x).dense() != 0)  # it matters which are kept


def test_a_fine_tuned_scale_is_in_the_dictionary_and_not_in_the_codes(tmp_path):
    scale, x = torch.linspace(0.5, 2, 48), tokens()
    state = {**WEIGHTS.state, "scaling_factor": scale}
    with pytest.raises(CheckpointRefused, match="says that none is in use"):
        read(write_saelens(tmp_path / "unsaid", state))
    codes, _ = worked_out(x, state, "standard")
    checkpoint = read(write_saelens(tmp_path / "said", state, finetuning_scaling_factor=True))
    assert_computes(checkpoint, codes, (codes * scale) @ state["W_dec"] + state["b_dec"], x)
    state["scaling_factor"] = torch.ones(48)  # as versions up to 5 wrote it into every file
    assert torch.equal(read(write_saelens(tmp_path / "ones", state)).dictionary, state["W_dec"])


@pytest.mark.parametrize(
    ("said", "block", "hook"),
    [
        ({"hook_point": "blocks.9.hook_mlp_out", "hook_point_layer": 9}, 9, "mlp_out"),  # version 3
        ({"hook_name": "blocks.9.hook_resid_pre", "hook_layer": 9, "activation_fn_str": "relu"}, 8, "block"),  # 4, 5
        ({"metadata": {"hook_name": "blocks.11.hook_resid_post"}}, 11, "block"),  # 6
        ({"metadata": {"hook_name": "vision_model.encoder.layers.10"}}, 10, "block"),
        ({}, None, "block"),
    ],
)
def test_the_place_is_found_where_each_version_says_it(tmp_path, said, block, hook):
    checkpoint = read(write_saelens(tmp_path, WEIGHTS.state, **{"metadata": None, **said}))
    assert (checkpoint.block, checkpoint.hook) == (block, hook)
    assert checkpoint.convention.pre_bias  # unless said


def test_version_5_says_top_k_as_an_activation_function(tmp_path):
    said = {"metadata": None, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5}}
    assert read(write_saelens(tmp_path, WEIGHTS.state, **said)).convention.activation == TopK(5)


def test_version_3_says_of_its_normalisation_only_that_there_is_one(tmp_path):
    assert read(write_saelens(tmp_path, WEIGHTS.state, normalize_activations=True)).unsaid == ("normalisation",)
    assert read(write_saelens(tmp_path, WEIGHTS.state, normalize_activations=False)).unsaid == ()


def test_the_scale_that_lies_beside_what_is_saved_in_training_is_taken(tmp_path):
    folder = write_saelens(tmp_path, WEIGHTS.state, normalize_activations="expected_average_only_in")
    scaler, x = folder / "activation_scaler.json", tokens()
    scaler.write_text(json.dumps({"scaling_factor": 1.7, "has_whitening": False}))
    checkpoint = read(folder)
    codes, rebuilt = worked_out(1.7 * x, WEIGHTS.state, "standard")
    assert_computes(checkpoint, codes, rebuilt / 1.7, x)
    assert checkpoint.unsaid == ()
    scaler.write_text(json.dumps({"scaling_factor": None}))
    assert read(folder).unsaid == ("normalisation",)
    for wrong in (0, -1.5, "1.7"):
        scaler.write_text(json.dumps({"scaling_factor": wrong}))
        with pytest.raises(CheckpointRefused, match="does not hold a scaling factor"):
            read(folder)


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({}, "all"),
        ({"seqpos_slice": [None]}, "all"),
        ({"seqpos_slice": [0, 1]}, "cls"),
        ({"seqpos_slice": [1, None]}, "patches"),
        ({"cls_token_only": True}, "cls"),
        ({"use_patches_only": True}, "patches"),
    ],
)
def test_the_tokens_are_those_that_it_was_trained_on(tmp_path, said, due):
    assert read(write_saelens(tmp_path, WEIGHTS.state, **said)).convention.tokens == due


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"architecture": "transcoder"}, "a transcoder of architecture 'transcoder'"),
        ({"architecture": "jumprelu_skip_transcoder"}, "a transcoder of architecture 'jumprelu_skip_transcoder'"),
        ({"hook_name_out": "blocks.9.hook_mlp_out"}, "a transcoder, from blocks.9.hook_resid_post to"),
        ({"architecture": "abstopk"}, "an autoencoder of architecture 'abstopk'; Tiller reads standard, gated"),
        ({"architecture": ["standard"]}, "of architecture"),
        ({"architecture": "batchtopk"}, "save it with save_inference_model"),
        ({"activation_fn": "tanh-relu"}, "the activation 'tanh-relu'"),
        ({"normalize_activations": "covariance_whitening"}, "normalised by 'covariance_whitening'"),
        ({"normalize_activations": ["none"]}, "normalised by"),
        ({"reshape_activations": "hook_z"}, "a dictionary of 'blocks.9.hook_resid_post'"),
        ({"hook_name": "blocks.9.attn.hook_z"}, "a dictionary of 'blocks.9.attn.hook_z'"),
        ({"hook_name": "blocks.0.hook_resid_pre"}, "a dictionary of 'blocks.0.hook_resid_pre'"),  # before any block
        ({"hook_head_index": 3}, "a dictionary of 'blocks.9.hook_resid_post'"),
        ({"hook_layer": 8}, "says blocks.9.hook_resid_post and layer 8, which are two places"),
        ({"seqpos_slice": [1, -1]}, r"the tokens \[1, -1\]"),
        ({"seqpos_slice": [[]]}, "the tokens"),
        ({"architecture": "topk"}, "says k None, no whole number from 1"),
        ({"architecture": "topk", "k": 0}, "says k 0, no whole number"),
        ({"d_sae": "many"}, "says d_sae 'many', no whole number"),
        ({"d_in": 17}, r"W_enc is \(16, 48\), not \(17, 48\)"),
        ({"apply_b_dec_to_input": "yes"}, "says apply_b_dec_to_input 'yes', not true or false"),
        ({"architecture": "jumprelu"}, "threshold is missing"),
    ],
)
def test_what_the_engine_cannot_compute_is_refused_in_a_sentence(tmp_path, said, sentence):
    with pytest.raises(CheckpointRefused, match=sentence):
        read(write_saelens(tmp_path, WEIGHTS.state, **said))


def test_weights_that_are_not_those_of_the_architecture_are_refused_all_at_once(tmp_path):
    state = {**WEIGHTS.state, "threshold": torch.ones(48), "W_dec": WEIGHTS.W_dec[:40].clone()}
    state["b_dec"][3] = torch.nan
    del state["b_enc"]
    with pytest.raises(CheckpointRefused) as refused:
        read(write_saelens(tmp_path, state, d_sae=48))
    for fault in (
        "b_enc is missing",
        "threshold is not part",
        "(40, 16), not (48, 16)",
        "b_dec holds values that are not",
    ):
        assert fault in str(refused.value)


def test_a_folder_that_is_not_whole_says_what_it_lacks(tmp_path):
    folder = write_saelens(tmp_path, WEIGHTS.state)
    weights, about = folder / "sae_weights.safetensors", folder / "cfg.json"
    said = about.read_text()
    for wrong, sentence in (("[]", "holds no JSON object"), (said[:-9], "is not JSON"), ("[" * 9**5, "is not JSON")):
        about.write_text(wrong)
        with pytest.raises(CheckpointRefused, match=sentence):
            read(folder)
    about.unlink()
    assert recognises(folder)
    with pytest.raises(CheckpointRefused, match="there is no such file; put the weights' own configuration there"):
        read(weights)
    about.write_text(said)
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-9])
    with pytest.raises(CheckpointRefused, match="is not a whole safetensors file"):
        read(about)
    weights.unlink()
    assert not recognises(folder)
    with pytest.raises(CheckpointRefused, match="there is no such file; put it beside"):
        read(folder)


def test_it_is_known_by_its_two_files_together(tmp_path):
    folder = write_saelens(tmp_path / "one", WEIGHTS.state)
    assert all(map(recognises, (folder, folder / "cfg.json", folder / "sae_weights.safetensors")))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "cfg.json").write_text(json.dumps({}))
    assert not any(map(recognises, (tmp_path / "other", tmp_path / "other" / "cfg.json", tmp_path / "none")))


def test_what_the_file_says_is_kept(tmp_path):
    folder = write_saelens(tmp_path, WEIGHTS.state, k=5)
    checkpoint = read(folder)
    assert checkpoint.said == json.loads((folder / "cfg.json").read_text())
    assert checkpoint.sha256 == hashlib.sha256((folder / "sae_weights.safetensors").read_bytes()).hexdigest()
