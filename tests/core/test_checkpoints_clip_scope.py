"""CLIP-Scope's files keep the k greatest whatever their sign, and have no bias of the encoder."""

from __future__ import annotations

import pytest
import torch

from core.checkpoints import CheckpointRefused
from core.checkpoints.clip_scope import MODEL, read, recognises
from core.convention import NoNorm, TopK

D, K, KEPT = 16, 48, 40  # so many that some are below 0


def contents(**changed):
    draw = torch.Generator().manual_seed(0)
    state = {
        "pre_b": torch.randn(D, generator=draw),
        "enc": torch.randn(D, K, generator=draw),
        "dec": torch.randn(K, D, generator=draw),
    }
    return {"n_features": K, "d_in": D, "k": KEPT, "model_state_dict": state} | changed


def saved(folder, held):
    folder.mkdir()
    torch.save(held, folder / "1200013184.pt")
    return folder / "1200013184.pt"


def test_codes_and_reconstructions_are_its_own(tmp_path, assert_computes):
    path = saved(tmp_path / "22_resid", contents())
    assert recognises(path)
    held = read(path)
    assert (held.format, held.source, held.block, held.model) == ("clip_scope", "22_resid/1200013184.pt", 22, MODEL)
    assert (held.convention.activation, held.convention.normalisation) == (TopK(KEPT, signed=True), NoNorm())
    assert (held.convention.pre_bias, held.convention.tokens) == (True, "all")
    state, x = contents()["model_state_dict"], torch.randn(2, 5, D, generator=torch.Generator().manual_seed(5))
    pre = (x - state["pre_b"]) @ state["enc"]
    top = torch.topk(pre, KEPT, dim=-1)
    latent = torch.zeros_like(pre).scatter_(-1, top.indices, top.values)
    assert (latent < 0).any()
    assert_computes(held, x, latent, latent @ state["dec"] + state["pre_b"])


def test_a_folder_that_says_no_layer_leaves_it_open(tmp_path):
    assert read(saved(tmp_path / "mine", contents())).block is None


def test_what_cannot_be_computed_is_refused_by_name(tmp_path):
    with pytest.raises(CheckpointRefused, match="11_mlp"):
        read(saved(tmp_path / "11_mlp", contents()))
    with pytest.raises(CheckpointRefused, match="k is None"):
        read(saved(tmp_path / "11_resid", contents(k=None)))
    with pytest.raises(CheckpointRefused, match=r"dec is \(48, 16\), not \(49, 16\)|enc is \(16, 48\), not \(16, 49\)"):
        read(saved(tmp_path / "12_resid", contents(n_features=49)))
