"""saev: every schema of its header, the bias that was taken off and is no more, and what is refused."""

from __future__ import annotations

import pytest
import torch
from dictionaries import Weights, assert_computes, tokens, write_saev

from core.checkpoints import CheckpointRefused
from core.checkpoints.saev import read, recognises
from core.convention import BatchTopK, Relu, TopK

WEIGHTS = Weights.random()
FLAT = {"d_vit": 16, "exp_factor": 3, "sparsity_coeff": 4e-4, "n_reinit_samples": 8, "ghost_grads": False, "seed": 0}
OLD = {"d_vit": 16, "exp_factor": 3, "seed": 0}
NEW = {"d_model": 16, "d_sae": 48, "reinit_blend": 0.8}


def activation(name, **params):
    return {"activation": {"cls": name, "params": params}}


BY_ITS_CLASS = {"schema": 1, "cls": "TopK", "cfg": {**OLD, "top_k": 5}}
BY_ITS_FIELD = {"schema": 1, "cls": "SparseAutoencoderConfig", "cfg": {**OLD, **activation("TopK", top_k=5)}}
NESTED = activation("BatchTopK", key="batch-top-k", top_k=5, sparsity={"cls": "NoSparsity", "params": {}})
SIGNED, BATCH = TopK(5, signed=True), BatchTopK(5, 0.75)
HEADERS = {  # of each: the header, the activation, whether the bias comes off, whether that is settled
    "flat": (FLAT, Relu(), True, True),
    "1, class of the activation": (BY_ITS_CLASS, SIGNED, False, False),
    "1, class of the configuration": (BY_ITS_FIELD, SIGNED, False, False),
    "1, nothing said": ({"schema": 1, "cfg": OLD}, Relu(), False, False),
    "2": ({"schema": 2, "cfg": {**OLD, **activation("Relu")}}, Relu(), False, False),
    "3": ({"schema": 3, "cfg": {"d_model": 16, "exp_factor": 3, **activation("TopK", top_k=5)}}, SIGNED, False, True),
    "4": ({"schema": 4, "cfg": {**NEW, **activation("BatchTopK", top_k=5)}}, BATCH, False, True),
    "5": ({"schema": 5, "commit": "e7ca004", "lib": "0.2.0", "cfg": {**NEW, **NESTED}}, BATCH, False, True),
}


def worked_out(x, kind, *, pre_bias):
    """In the library's notation: x_hat = f_x @ W_dec + b_dec."""
    h = (x - WEIGHTS.b_dec * pre_bias) @ WEIGHTS.W_enc + WEIGHTS.b_enc
    match kind:
        case Relu():
            f = h.clamp_min(0)
        case TopK(k, _):
            f = h * (h >= h.sort(dim=-1, descending=True).values[..., k - 1 : k])
        case BatchTopK(_, threshold):
            f = torch.where(h > threshold, h, torch.zeros_like(h))
    return f, f @ WEIGHTS.W_dec + WEIGHTS.b_dec


@pytest.mark.parametrize("schema", HEADERS)
def test_every_header_is_read_as_its_own_version_computed(tmp_path, schema):
    header, due, pre_bias, settled = HEADERS[schema]
    state = WEIGHTS.state
    if isinstance(due, BatchTopK):
        state["activation.threshold"] = torch.tensor(0.75)
    file = write_saev(tmp_path / "sae.pt", state, header)
    assert recognises(file)
    assert recognises(tmp_path)
    checkpoint = read(file)
    assert checkpoint.convention.activation == due
    assert checkpoint.unsaid == (("normalisation",) if settled else ("pre_bias", "normalisation"))
    assert checkpoint.said == header
    x = tokens()
    codes, rebuilt = worked_out(x, due, pre_bias=pre_bias)
    codes[:, 0], rebuilt[:, 0] = 0, x[:, 0]  # patches alone
    assert_computes(checkpoint, codes, rebuilt, x)


def test_codes_of_a_top_k_may_be_negative(tmp_path):
    state = {**WEIGHTS.state, "b_enc": WEIGHTS.b_enc - 3}
    header = {"schema": 4, "cfg": {**NEW, **activation("TopK", top_k=40)}}
    assert (read(write_saev(tmp_path / "sae.pt", state, header)).stated().encode(tokens()).values < 0).any()


def test_a_batch_top_k_whose_threshold_is_not_above_0_is_a_relu(tmp_path):
    header = {"schema": 4, "cfg": {**NEW, **activation("BatchTopK", top_k=5)}}
    for held in (0.0, -0.5):
        state = {**WEIGHTS.state, "activation.threshold": torch.tensor(held)}
        assert read(write_saev(tmp_path / "sae.pt", state, header)).convention.activation == BatchTopK(5, 0.0)


def test_a_batch_top_k_without_a_threshold_is_refused_with_the_remedy(tmp_path):
    header = {"schema": 1, "cls": "BatchTopK", "cfg": {**OLD, "top_k": 5}}
    with pytest.raises(CheckpointRefused, match=r"depend on what else is in the batch; train or write it with a saev"):
        read(write_saev(tmp_path / "sae.pt", WEIGHTS.state, header))


def without(name):
    return {each: tensor for each, tensor in WEIGHTS.state.items() if each != name}


@pytest.mark.parametrize(
    ("header", "state", "sentence"),
    [
        ({"schema": 6, "cfg": NEW}, WEIGHTS.state, "is of saev's schema 6; Tiller reads 1 to 5"),
        ({"schema": [], "cfg": NEW}, WEIGHTS.state, r"schema \[\]"),
        ({"schema": 5, "cfg": []}, WEIGHTS.state, "holds no object `cfg`"),
        ({"schema": 5, "cfg": NEW}, WEIGHTS.state, "names no activation"),
        ({"schema": 5, "cfg": {**NEW, "activation": "Relu"}}, WEIGHTS.state, "names no activation"),
        ({"schema": 4, "cfg": {**NEW, **activation("AbsBatchTopK")}}, WEIGHTS.state, "the activation AbsBatchTopK"),
        ({"schema": 1, "cls": "JumpRelu", "cfg": {}}, WEIGHTS.state, "the activation JumpRelu"),
        ({"schema": 4, "cfg": {**NEW, **activation("TopK", top_k="5")}}, WEIGHTS.state, "top_k '5', no whole number"),
        ({**FLAT, "exp_factor": 4}, WEIGHTS.state, r"W_enc is \(16, 48\), not \(16, 64\)"),
        ({**FLAT, "d_vit": None, "exp_factor": 2.5}, WEIGHTS.state, "says exp_factor 2.5, no whole number"),
        (FLAT, without("b_enc"), "b_enc is missing"),
        (FLAT, {**WEIGHTS.state, "W_dec": WEIGHTS.W_dec.T.clone()}, r"W_dec is \(16, 48\), not \(48, 16\)"),
        (FLAT, {**WEIGHTS.state, "b_dec": WEIGHTS.b_dec / 0}, "b_dec holds values that are not finite"),
    ],
)
def test_what_is_not_whole_or_not_known_is_refused_in_a_sentence(tmp_path, header, state, sentence):
    with pytest.raises(CheckpointRefused, match=sentence):
        read(write_saev(tmp_path / "sae.pt", state, header))


def test_a_file_that_is_cut_or_not_saevs_is_refused_and_not_recognised(tmp_path):
    file = write_saev(tmp_path / "sae.pt", WEIGHTS.state, FLAT)
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    with pytest.raises(CheckpointRefused, match="not a whole torch file"):
        read(file)
    file.write_bytes(whole[: whole.index(b"\n") + 1])
    with pytest.raises(CheckpointRefused, match="is empty"):
        read(file)
    for begins in (b"{" * 100_000, b'{"a": 1}\n', b"PK\x03\x04", b"", b'{"schema": 5, "cfg":'):
        file.write_bytes(begins)
        assert not recognises(file)
    with pytest.raises(CheckpointRefused, match="is not a file of saev"):
        read(file)
    with pytest.raises(CheckpointRefused, match="there is no such file"):
        read(tmp_path / "none.pt")
    assert not recognises(tmp_path / "none.pt")
