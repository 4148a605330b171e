"""Codes written by hand: an encoder that copies its input shows what each convention does to it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.codes import Codes
from core.sae import (
    BatchTopK,
    ConstantNorm,
    Convention,
    DatasetNorm,
    JumpRelu,
    LayerNorm,
    NoNorm,
    Relu,
    SparseAutoencoder,
    TopK,
)
from core.types import TillerError

FOUR = torch.eye(4)
NOTHING = torch.zeros(4)


def copying(convention, bias=NOTHING, encoder_bias=NOTHING, **parts):
    return SparseAutoencoder(FOUR, encoder_bias, FOUR, bias, convention=convention, **parts)


def codes_of(sae, *tokens):
    return sae.encode(torch.tensor([tokens], dtype=torch.float)).dense()[0].tolist()


def test_relu_keeps_what_is_above_zero():
    assert codes_of(copying(Convention(Relu())), [1, -2, 0, 3]) == [[1, 0, 0, 3]]


def test_topk_keeps_the_k_greatest_of_each_token_if_above_zero():
    sae = copying(Convention(TopK(2)))
    assert codes_of(sae, [1, 4, 2, 3], [-1, -2, 5, -3]) == [[0, 4, 0, 3], [0, 0, 5, 0]]


def test_signed_topk_keeps_the_k_greatest_whatever_their_sign():
    assert codes_of(copying(Convention(TopK(2, signed=True))), [-1, -2, 5, -3]) == [[-1, 0, 5, 0]]


def test_batch_topk_keeps_what_is_above_its_threshold():
    sae = copying(Convention(BatchTopK(2, threshold=1.5)))
    assert codes_of(sae, [1, 1.5, 2, 3], [1, 1, 1, -9]) == [[0, 0, 2, 3], [0, 0, 0, 0]]


def test_batch_topk_with_a_threshold_never_set_is_a_relu():
    assert codes_of(copying(Convention(BatchTopK(2, threshold=-1.0))), [-0.5, 1, 0, 2]) == [[0, 1, 0, 2]]


def test_jump_relu_keeps_what_is_above_each_components_own_threshold():
    sae = copying(Convention(JumpRelu()), thresholds=torch.tensor([0.0, 2.0, 1.0, 5.0]))
    assert codes_of(sae, [1, 1, 1.5, 6]) == [[1, 0, 1.5, 6]]


def test_no_threshold_lets_a_code_below_zero_through():
    sae = copying(Convention(JumpRelu()), thresholds=torch.full((4,), -5.0))
    assert codes_of(sae, [-1, 2, 0, -9]) == [[0, 2, 0, 0]]


def test_a_pre_bias_is_taken_off_before_and_put_on_after():
    bias = torch.tensor([1.0, 1.0, -1.0, 0.0])
    x = torch.tensor([[[3.0, 0.5, 0.0, 2.0]]])
    with_it, without = (copying(Convention(Relu(), pre_bias=on), bias=bias) for on in (True, False))
    assert with_it.encode(x).dense().tolist() == [[[2, 0, 1, 2]]]
    assert with_it.decode(with_it.encode(x), at=x).tolist() == [[[3, 1, 0, 2]]]
    assert without.encode(x).dense().tolist() == [[[3, 0.5, 0, 2]]]
    assert without.decode(without.encode(x), at=x).tolist() == [[[4, 1.5, -1, 2]]]


def test_an_encoder_bias_is_added_before_the_activation():
    sae = copying(Convention(Relu()), encoder_bias=torch.tensor([1.0, -1.0, 0.0, 0.0]))
    assert codes_of(sae, [1, 1, 1, -1]) == [[2, 0, 1, 0]]


def test_layer_norm_reads_a_token_by_its_own_mean_and_deviation():
    # mean 2, unbiased deviation of (0, 0, 4, 4) is sqrt(16 / 3)
    sae = copying(Convention(Relu(), LayerNorm(eps=0.0)))
    x = torch.tensor([[[0.0, 0.0, 4.0, 4.0]]])
    high = 2 / (16 / 3) ** 0.5
    assert sae.encode(x).dense()[0, 0].tolist() == pytest.approx([0, 0, high, high])
    assert sae.decode(sae.encode(x), at=x)[0, 0].tolist() == pytest.approx([2, 2, 4, 4])


def test_constant_norm_reads_a_token_at_norm_root_d():
    # |(3, 0, 0, 4)| = 5, root d = 2
    sae = copying(Convention(Relu(), ConstantNorm()))
    x = torch.tensor([[[3.0, 0.0, 0.0, 4.0]]])
    assert sae.encode(x).dense()[0, 0].tolist() == pytest.approx([1.2, 0, 0, 1.6])
    assert sae.decode(sae.encode(x), at=x)[0, 0].tolist() == pytest.approx([3, 0, 0, 4])


def test_data_set_norm_reads_a_token_less_the_mean_times_the_scale():
    sae = copying(Convention(Relu(), DatasetNorm(scale=2.0)), mean=torch.tensor([1.0, 0.0, 0.0, 0.0]))
    x = torch.tensor([[[2.0, 1.0, -1.0, 0.0]]])
    assert sae.encode(x).dense().tolist() == [[[2, 2, 0, 0]]]
    assert sae.decode(sae.encode(x), at=x).tolist() == [[[2, 1, 0, 0]]]


@pytest.mark.parametrize(("tokens", "spoken"), [("all", [0, 1, 2]), ("cls", [0]), ("patches", [1, 2])])
def test_tokens_it_does_not_speak_for_have_no_code_and_pass_through(tokens, spoken):
    sae = copying(Convention(TopK(1), tokens=tokens))
    x = torch.tensor([[[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]] * 2)
    codes = sae.encode(x)
    assert codes.rows.tolist() == [3 * image + token for image in range(2) for token in spoken]
    rebuilt = sae.decode(codes, at=x)
    for token in range(3):
        expected = x[0, token] * torch.tensor([0, 0, 0, 1]) if token in spoken else x[0, token]
        assert torch.equal(rebuilt[0, token], expected)


def test_encoding_in_turns_is_encoding_at_once(tiny_sae, tiny_model, pixels, monkeypatch):
    x = tiny_model.activations(pixels)
    at_once = tiny_sae.encode(x)
    monkeypatch.setattr("core.sae.PRE_ACTIVATIONS_AT_ONCE", 64 * 5)
    in_turns = tiny_sae.encode(x)
    assert torch.equal(at_once.rows, in_turns.rows)
    assert torch.equal(at_once.components, in_turns.components)
    assert torch.allclose(at_once.values, in_turns.values, atol=1e-5)


def test_a_picture_without_a_batch_is_a_batch_of_one(tiny_sae, tiny_model, pixels):
    x = tiny_model.activations(pixels[:1])
    assert torch.equal(tiny_sae.encode(x[0]).dense(), tiny_sae.encode(x).dense())


def test_a_code_of_zero_is_not_kept():
    assert copying(Convention(TopK(4))).encode(torch.tensor([[[0.0, -1.0, 2.0, 0.0]]])).count == 1


@given(
    entries=st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 7)), st.floats(0.5, 9, width=32), max_size=20)
)
def test_sparse_codes_say_what_dense_ones_do(entries):
    dense = torch.zeros(6, 8)
    for (row, component), value in entries.items():
        dense[row, component] = value
    rows, components = torch.nonzero(dense, as_tuple=True)
    codes = Codes.sorted(rows, components, dense[rows, components], (2, 3, 8))
    assert torch.equal(codes.dense(), dense.view(2, 3, 8))
    assert codes.count == len(entries)
    assert codes.active() == tuple(sorted({component for _, component in entries}))
    assert torch.equal(codes.of_image(1).dense(), dense.view(2, 3, 8)[1:])
    for component in range(8):
        at, values = codes.of(component)
        assert at.tolist() == sorted(row for row, of in entries if of == component)
        assert values.tolist() == [entries[row, component] for row in at.tolist()]
    dictionary = torch.arange(24.0).view(8, 3)
    assert torch.allclose(codes.weigh(dictionary), dense @ dictionary)
    assert codes.totals() == pytest.approx({each: dense[:, each].sum().item() for each in codes.active()})
    assert codes.peaks() == {each: dense[:, each].max().item() for each in codes.active()}


@pytest.mark.parametrize("convention", [Convention(JumpRelu()), Convention(Relu(), DatasetNorm(1.0))])
def test_a_parameter_that_the_convention_needs_must_be_there(convention):
    with pytest.raises(ValueError, match="go"):
        copying(convention)


@pytest.mark.parametrize("activation", [Relu(), TopK(3, signed=True), BatchTopK(4, 0.25), JumpRelu()])
@pytest.mark.parametrize("norm", [NoNorm(), LayerNorm(1e-6), ConstantNorm(), DatasetNorm(0.5)])
@pytest.mark.parametrize("tokens", ["all", "cls", "patches"])
def test_a_convention_survives_json(activation, norm, tokens):
    convention = Convention(activation, norm, pre_bias=False, tokens=tokens)
    assert Convention.from_json(convention.as_json()) == convention


def test_another_convention_is_another_digest():
    one, again, other = (copying(Convention(TopK(k))) for k in (2, 2, 3))
    assert one.digest == again.digest != other.digest


def test_a_dictionary_for_another_model_is_refused(make_clip, make_network, make_sae):
    model = make_clip(block=-2)
    sae = make_sae(model, Convention(TopK(8)))
    sae.check(model)
    assert sae.cut(model.at(2)).block == 1
    deeper = SparseAutoencoder(
        sae.encoder,
        sae.encoder_bias,
        sae.dictionary,
        sae.bias,
        convention=sae.convention,
        header={**sae.header, "block": 9},
    )
    with pytest.raises(TillerError, match="Block 9 was asked for; tiny has 3 blocks"):
        deeper.cut(model)
    with pytest.raises(TillerError, match="activations 32 wide, and tiny gives 48"):
        deeper.cut(make_clip(make_network(width=48), block=-2))
    with pytest.raises(TillerError, match="made at block 1, and tiny is cut after block 2"):
        sae.check(model.at(2))
    with pytest.raises(TillerError, match="load the weights it was made on"):
        sae.check(make_clip(make_network(seed=9), block=-2))
    with pytest.raises(TillerError, match="activations 32 wide, and tiny gives 48"):
        sae.check(make_clip(make_network(width=48), block=-2))
