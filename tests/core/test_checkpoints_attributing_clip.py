"""attributing-clip: torch's own weight_norm is undone, codes keep their sign, and the scale is left to the gate."""

from __future__ import annotations

import pytest
import torch
from dictionaries import Weights, assert_computes, tokens, write_attributing_clip

from core.checkpoints import CheckpointRefused
from core.checkpoints.attributing_clip import read, recognises
from core.convention import TopK

WEIGHTS = Weights.random()
FOLDER = "clip_vit_{}_imagenet_topk-{}-5-48_layer-{}_lr_0.0002"


def worked_out(x, weights, k):
    """The k greatest of each token, whatever their sign; rows of length 1, and no bias on the way out."""
    u = x @ weights.W_enc + weights.b_enc
    codes = u * (u >= u.sort(dim=-1, descending=True).values[..., k - 1 : k])
    return codes, codes @ (weights.W_dec / weights.W_dec.square().sum(-1, keepdim=True).sqrt())


def set_gains_to_1(file):
    """As its TopKSAE does when it is made; the encoder keeps the gains it has."""
    held = torch.load(file, weights_only=True)
    held["state_dict"]["decoder.weight_g"].fill_(1.0)
    torch.save(held, file)
    return file


@pytest.mark.parametrize("token", ["cls", "spatial"])
def test_the_codes_are_those_of_torchs_own_modules(tmp_path, token):
    file = set_gains_to_1(
        write_attributing_clip(tmp_path / FOLDER.format("b32_datacomp_xl_s13b_b90k", token, -1), WEIGHTS)
    )
    assert recognises(file)
    assert recognises(file.parent)
    checkpoint, x = read(file), tokens()
    codes, rebuilt = worked_out(x, WEIGHTS, 5)
    others = slice(1, None) if token == "cls" else slice(0, 1)
    codes[:, others], rebuilt[:, others] = 0, x[:, others]
    assert_computes(checkpoint, codes, rebuilt, x)
    assert (checkpoint.unsaid, checkpoint.convention.pre_bias) == (("scale",), False)
    assert checkpoint.convention.activation == TopK(5, signed=True)


def test_codes_keep_their_sign(tmp_path):
    folder = tmp_path / "clip_vit_b32_topk-cls-40-48_lr_0.0001"
    assert (read(write_attributing_clip(folder, WEIGHTS)).stated().encode(tokens()).values < 0).any()


@pytest.mark.parametrize(
    ("model", "layer", "block"),
    [
        ("b32_datacomp_xl_s13b_b90k", -1, 11),
        ("l14_336_openai", -2, 22),
        ("h14_dfn5b", -1, 31),
        ("b16_datacomp_xl_s13b_b90k", 9, 9),
        ("g14_laion", -1, None),
    ],
)
def test_the_folder_names_model_and_block(tmp_path, model, layer, block):
    checkpoint = read(write_attributing_clip(tmp_path / FOLDER.format(model, "cls", layer), WEIGHTS))
    assert (checkpoint.model, checkpoint.block) == (f"clip_vit_{model}", block)


def test_a_folder_of_another_name_gives_the_librarys_own_k_and_token_with_a_note(tmp_path):
    checkpoint = read(write_attributing_clip(tmp_path / "download", WEIGHTS))
    assert (checkpoint.convention.activation, checkpoint.convention.tokens) == (TopK(64, signed=True), "cls")
    assert (checkpoint.model, checkpoint.block) == (None, None)
    assert any("does not name k and token" in note for note in checkpoint.notes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"encoder.0.bias": None}, "encoder.0.bias is missing"),
        ({"decoder.bias": torch.ones(16)}, "decoder.bias is not part of one"),
        ({"decoder.weight_v": torch.ones(48, 16)}, r"decoder.weight_v is \(48, 16\), not \(16, 48\)"),
        ({"decoder.weight_g": torch.ones(48, 1)}, r"decoder.weight_g is \(48, 1\), not \(1, 48\)"),
        ({"encoder.0.weight_g": torch.full((48, 1), torch.inf)}, "holds values that are not finite"),
    ],
)
def test_what_is_not_whole_is_refused_in_a_sentence(tmp_path, change, sentence):
    file = write_attributing_clip(tmp_path, WEIGHTS)
    held = torch.load(file, weights_only=True)
    state = {name: each for name, each in {**held["state_dict"], **change}.items() if each is not None}
    torch.save({**held, "state_dict": state}, file)
    with pytest.raises(CheckpointRefused, match=sentence):
        read(file)


def test_a_file_that_is_not_one_is_refused_and_not_recognised(tmp_path):
    file = write_attributing_clip(tmp_path, WEIGHTS)
    file.write_bytes(file.read_bytes()[:-300])
    assert not recognises(file)
    with pytest.raises(CheckpointRefused, match="not a whole torch file"):
        read(file)
    torch.save(WEIGHTS.state, file)
    assert not recognises(file)
    with pytest.raises(CheckpointRefused, match="holds no `state_dict`, as Lightning"):
        read(file)
    assert not recognises(tmp_path / "none")


@pytest.mark.slow
def test_at_true_size_too(tmp_path):
    weights = Weights.random(width=768, size=30_000)
    file = set_gains_to_1(
        write_attributing_clip(tmp_path / "clip_vit_b32_topk-cls-64-30000_layer--1_lr_0.0002", weights)
    )
    checkpoint, x = read(file), tokens(width=768, images=8, count=1)
    found = checkpoint.stated().encode(x)
    codes, rebuilt = worked_out(x, weights, 64)
    torch.testing.assert_close(found.dense(), codes, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(checkpoint.stated().decode(found, at=x), rebuilt, atol=1e-5, rtol=1e-5)
