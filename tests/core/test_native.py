"""The native file: what is written is read, and what does not belong is refused."""

from __future__ import annotations

import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.checkpoints import CheckpointRefused
from core.checkpoints.native import load_native, save_native
from core.sae import ConstantNorm, Convention, DatasetNorm, JumpRelu, SparseAutoencoder, TopK
from core.types import TillerError


@pytest.fixture
def file(tmp_path, tiny_sae):
    path = tmp_path / "dictionary.safetensors"
    save_native(
        tiny_sae, path, {**tiny_sae.header, "training": {"pictures": 7}, "metrics": {"explained_variance": 0.9}}
    )
    return path


def test_a_dictionary_comes_back_as_it_was(file, tiny_sae, tiny_model):
    back = load_native(file, model=tiny_model)
    assert back.digest == tiny_sae.digest
    assert back.convention == tiny_sae.convention
    assert (back.block, back.size, back.width) == (1, 64, 32)
    assert back.header["training"] == {"pictures": 7}
    assert back.header["weights"] == tiny_model.digest


def test_thresholds_and_means_come_back_too(tmp_path):
    sae = SparseAutoencoder(
        torch.randn(6, 4),
        torch.randn(6),
        torch.randn(6, 4),
        torch.randn(4),
        convention=Convention(JumpRelu(), DatasetNorm(0.5), pre_bias=False, tokens="cls"),
        thresholds=torch.rand(6),
        mean=torch.randn(4),
        header={"model": "m", "weights": "w", "block": 3},
    )
    save_native(sae, tmp_path / "x.safetensors")
    back = load_native(tmp_path / "x.safetensors")
    assert back.digest == sae.digest
    x = torch.randn(1, 5, 4)
    assert torch.equal(back.encode(x).dense(), sae.encode(x).dense())


def test_the_header_says_everything_that_the_numbers_do_not(file):
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        said = json.loads(opened.metadata()["tiller"])
    assert said["activation"] == {"kind": "topk", "k": 8, "signed": False}
    assert said["normalisation"] == {"kind": "none"}
    assert (said["pre_bias"], said["tokens"], said["width"], said["components"]) == (True, "all", 32, 64)
    assert (said["model"], said["block"], said["metrics"]) == ("tiny", 1, {"explained_variance": 0.9})


def test_the_gate_refuses_a_wrong_backbone(file, make_clip, make_network):
    with pytest.raises(TillerError, match="load the weights it was made on"):
        load_native(file, model=make_clip(make_network(seed=3)))


def test_another_block_or_width_is_refused(file, tiny_model, make_clip, make_network):
    with pytest.raises(TillerError, match="cut it after block 1"):
        load_native(file, model=tiny_model.at(-1))
    with pytest.raises(TillerError, match="32 wide, and tiny gives 16"):
        load_native(file, model=make_clip(make_network(width=16)))


def test_a_dictionary_of_unknown_origin_is_not_written(tmp_path, tiny_sae):
    with pytest.raises(CheckpointRefused, match="weights, block"):
        save_native(tiny_sae, tmp_path / "x.safetensors", {"model": "tiny"})


def altered(file, header=None, **tensors):
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        said = json.loads(opened.metadata()["tiller"])
    save_file({**load_file(file), **tensors}, file, metadata={"tiller": json.dumps({**said, **(header or {})})})


@pytest.mark.parametrize(
    ("header", "tensors", "said"),
    [
        ({"format": "other"}, {}, "convert it first"),
        ({"version": 2}, {}, "convert it first"),
        ({"components": 65}, {}, "encoder is"),
        ({"activation": {"kind": "softmax"}}, {}, "softmax"),
        ({"activation": {"kind": "topk", "k": 2, "depth": 1}}, {}, "depth"),
        ({"tokens": "some"}, {}, "some"),
        ({"tokens": ["all"]}, {}, "not one of all"),
        ({"block": "ten"}, {}, "block 'ten'"),
        ({"block": -2}, {}, "block -2"),
        ({"components": True}, {}, "components True"),
        ({"weights": 5}, {}, "weights 5"),
        ({"pre_bias": "false"}, {}, "pre_bias is 'false'"),
        ({"activation": "relu"}, {}, "not an object with a kind"),
        ({"activation": {"kind": "topk", "k": -1}}, {}, "k is -1"),
        ({"activation": {"kind": "batch_topk", "k": 2, "threshold": math.nan}}, {}, "threshold is nan"),
        ({"normalisation": {"kind": "layer_norm", "eps": -1.0}}, {}, "eps is -1.0"),
        ({"normalisation": {"kind": "dataset", "scale": 0.0}}, {}, "scale is 0.0"),
        ({"activation": {"kind": "jump_relu"}}, {}, "Thresholds"),
        ({}, {"bias": torch.zeros(31)}, r"bias is \(31,\), not \(32,\)"),
        ({}, {"bias": torch.full((32,), torch.nan)}, "not finite"),
    ],
)
def test_a_file_that_says_one_thing_and_holds_another_is_refused(file, header, tensors, said):
    altered(file, header, **tensors)
    with pytest.raises(CheckpointRefused, match=said):
        load_native(file)


def test_what_is_no_dictionary_file_is_refused(tmp_path):
    with pytest.raises(CheckpointRefused, match="no such file"):
        load_native(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(CheckpointRefused, match="not a whole safetensors file"):
        load_native(tmp_path / "text.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(CheckpointRefused, match="format None"):
        load_native(tmp_path / "bare.safetensors")


def test_a_header_that_is_no_object_is_refused(file):
    for header in ("[1]", "{{"):
        save_file(load_file(file), file, metadata={"tiller": header})
        with pytest.raises(CheckpointRefused, match="give a dictionary that Tiller wrote"):
            load_native(file)


def test_a_truncated_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointRefused, match="not a whole"):
        load_native(file)


def test_the_normaliser_is_kept(tmp_path, make_sae, tiny_model):
    sae = make_sae(tiny_model, Convention(TopK(4), ConstantNorm()))
    save_native(sae, tmp_path / "x.safetensors")
    assert load_native(tmp_path / "x.safetensors").convention.normalisation == ConstantNorm()
