"""One dictionary is the same autoencoder whichever library wrote it."""

from __future__ import annotations

import pytest
import torch
from dictionaries import (
    Weights,
    tokens,
    write_attributing_clip,
    write_dictionary_learning,
    write_saelens,
    write_saev,
)

from core.checkpoints.formats import READERS, read_checkpoint

K, THRESHOLD = 5, 0.75
DRAWN = Weights.random()
# rows of length 1, which two of the libraries demand or bring about
UNIT = Weights(DRAWN.W_enc, DRAWN.b_enc, torch.nn.functional.normalize(DRAWN.W_dec, dim=-1), DRAWN.b_dec)
# the same autoencoder for a library that takes no bias off: it goes into the encoder's own
MOVED = Weights(UNIT.W_enc, UNIT.b_enc - UNIT.b_dec @ UNIT.W_enc, UNIT.W_dec, UNIT.b_dec)
# and for one that has none on the way out
WITHOUT = Weights(UNIT.W_enc, UNIT.b_enc, UNIT.W_dec, torch.zeros(16))


def linear(weights, bias):
    return {
        "encoder.weight": weights.W_enc.T.clone(),
        "encoder.bias": weights.b_enc,
        "decoder.weight": weights.W_dec.T.clone(),
        bias: weights.b_dec,
    }


def header(name, **params):
    return {"schema": 5, "cfg": {"d_model": 16, "d_sae": 48, "activation": {"cls": name, "params": params}}}


def relu(folder):
    yield write_saelens(folder / "lens", UNIT.state)
    yield write_saelens(folder / "lens-moved", MOVED.state, apply_b_dec_to_input=False)
    yield write_dictionary_learning(folder / "standard", linear(UNIT, "bias"), dict_class="AutoEncoder")
    yield write_dictionary_learning(folder / "new", linear(MOVED, "decoder.bias"), dict_class="AutoEncoderNew")
    yield write_saev(folder / "flat.pt", UNIT.state, {"d_vit": 16, "exp_factor": 3})
    yield write_saev(folder / "schema-5.pt", MOVED.state, header("Relu"))


def above_a_threshold(folder):
    jump = {"threshold": torch.full((48,), THRESHOLD)}
    batch = {"k": torch.tensor(K), "threshold": torch.tensor(THRESHOLD)}
    groups = {**batch, "group_sizes": torch.tensor([12, 36])}
    gate = {"r_mag": torch.zeros(48), "b_mag": UNIT.b_enc, "b_gate": UNIT.b_enc - THRESHOLD}
    gated = {name: tensor for name, tensor in {**UNIT.state, **gate}.items() if name != "b_enc"}
    yield write_saelens(folder / "lens", {**UNIT.state, **jump}, architecture="jumprelu")
    yield write_saelens(folder / "lens-gated", gated, architecture="gated")
    yield write_dictionary_learning(folder / "jump", {**MOVED.state, **jump}, dict_class="JumpReluAutoEncoder")
    yield write_dictionary_learning(folder / "batch", {**linear(UNIT, "b_dec"), **batch}, dict_class="BatchTopKSAE")
    yield write_dictionary_learning(folder / "groups", {**UNIT.state, **groups}, dict_class="MatroyshkaBatchTopKSAE")
    state = {**MOVED.state, "activation.threshold": torch.tensor(THRESHOLD)}
    yield write_saev(folder / "batch.pt", state, header("BatchTopK", top_k=K))


def the_greatest(folder):
    """All greater than 0 here, so that with and without a ReLU they are the same."""
    yield write_saelens(folder / "lens", WITHOUT.state, architecture="topk", k=K)
    state = {**linear(WITHOUT, "b_dec"), "k": torch.tensor(K)}
    yield write_dictionary_learning(folder / "top-k", state, dict_class="AutoEncoderTopK")
    yield write_saev(folder / "top-k.pt", WITHOUT.state, header("TopK", top_k=K))
    yield write_attributing_clip(folder / f"clip_vit_b32_topk-cls-{K}-48_lr_0.0002", WITHOUT)


@pytest.mark.parametrize("files", [relu, above_a_threshold, the_greatest])
def test_every_format_loads_to_the_same_autoencoder(tmp_path, files):
    x = tokens()
    first = None
    for path in files(tmp_path):
        assert sum(reader.recognises(path) for reader in READERS.values()) == 1
        checkpoint = read_checkpoint(path)
        sae = checkpoint.stated()
        codes = sae.encode(x).dense()
        rebuilt = sae.decode(sae.encode(x), at=x)
        rows = {"all": slice(None), "cls": slice(0, 1), "patches": slice(1, None)}[checkpoint.convention.tokens]
        first = first or (codes, rebuilt)
        torch.testing.assert_close(codes[:, rows], first[0][:, rows], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(rebuilt[:, rows], first[1][:, rows], atol=1e-5, rtol=1e-5)
