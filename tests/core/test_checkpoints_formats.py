"""A dictionary file is told by what it holds; one that fits no format is described, and nothing in it is run."""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from core.checkpoints import CheckpointRefused
from core.checkpoints.formats import READERS, read_checkpoint
from core.checkpoints.native import save_native
from core.convention import Convention, Relu, TopK
from core.sae import SparseAutoencoder

D, K = 16, 48
CONVENTION = Convention(Relu(), pre_bias=True, tokens="all")
PRISMA = {
    "model_name": "open-clip:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "hook_point_layer": 1,
    "layer_subtype": "hook_resid_post",
    "activation_fn_str": "relu",
    "activation_fn_kwargs": {},
    "normalize_activations": None,
    "architecture": "standard",
}
PATCHSAE = {
    "block_layer": 1,
    "module_name": "resid",
    "class_token": False,
    "model_name": "openai/clip-vit-base-patch16",
}


def parts():
    draw = torch.Generator().manual_seed(0)
    return {
        "W_enc": torch.randn(D, K, generator=draw) / 4,
        "b_enc": torch.zeros(K),
        "W_dec": torch.nn.functional.normalize(torch.randn(K, D, generator=draw), dim=1),
        "b_dec": torch.randn(D, generator=draw),
    }


def prisma_folder(path):
    (path / "config.json").write_text(json.dumps(PRISMA))
    torch.save(parts(), path / "weights.pt")
    return path


def prisma_pickle(path, module_named):
    class Shown:
        pass

    shown = module_named(Shown, "vit_prisma.sae.config.VisionModelSAERunnerConfig")()
    shown.__dict__.update(PRISMA)
    torch.save({"cfg": shown, "state_dict": OrderedDict(parts())}, path / "n_images_2600058.pt")
    return path / "n_images_2600058.pt"


def patchsae(path, module_named):
    class Shown:
        pass

    shown = module_named(Shown, "src.sae_training.config.ViTSAERunnerConfig")()
    shown.__dict__.update(PATCHSAE)
    torch.save({"cfg": shown, "state_dict": OrderedDict(parts())}, path / "out.pt")
    return path / "out.pt"


def clip_scope(path):
    tensors = parts()
    state = {"pre_b": tensors["b_dec"], "enc": tensors["W_enc"], "dec": tensors["W_dec"]}
    torch.save({"n_features": K, "d_in": D, "k": K, "model_state_dict": state}, path / "1200013184.pt")
    return path / "1200013184.pt"


def msae(path):
    tensors = parts()
    state = {"pre_bias": tensors["b_dec"], "encoder": tensors["W_enc"], "latent_bias": tensors["b_enc"],
             "decoder": tensors["W_dec"], "latents_activation_frequency": torch.zeros(K)}  # fmt: skip
    file = path / f"{K}_{D}_ReLU_003_False_False_0.0_cc3m.pth"
    torch.save({"model": state, "mean_center": torch.zeros(D), "scaling_factor": 1.0, "target_norm": 0.0}, file)
    return file


def native(path):
    tensors = parts()
    sae = SparseAutoencoder(
        tensors["W_enc"].T.contiguous(), tensors["b_enc"], tensors["W_dec"], tensors["b_dec"], convention=CONVENTION
    )
    save_native(sae, path / "x.safetensors", {"model": "tiny", "weights": "w", "block": 1})
    return path / "x.safetensors"


def saelens(path):
    save_file(parts(), path / "sae_weights.safetensors")
    said = {"architecture": "standard", "d_in": D, "d_sae": K, "hook_name": "blocks.1.hook_resid_post",
            "apply_b_dec_to_input": True, "normalize_activations": "none"}  # fmt: skip
    (path / "cfg.json").write_text(json.dumps(said))
    return path


@pytest.fixture
def written(tmp_path, module_named):
    """One small autoencoder as each format writes it: the format's name, and the file or folder."""
    made = []
    for name, write in (
        ("prisma", prisma_folder),
        ("prisma", lambda path: prisma_pickle(path, module_named)),
        ("patchsae", lambda path: patchsae(path, module_named)),
        ("clip_scope", clip_scope),
        ("msae", msae),
        ("native", native),
        ("saelens", saelens),
    ):
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        made.append((name, write(folder)))
    return made


def test_every_format_loads_to_the_same_autoencoder(written):
    x = torch.randn(10, 1, D, generator=torch.Generator().manual_seed(5))  # MSAE's speaks for one token alone
    tensors = parts()
    pre = (x - tensors["b_dec"]) @ tensors["W_enc"]
    for name, path in written:
        held = read_checkpoint(path)
        assert held.format == name
        # CLIP-Scope has no ReLU: keeping all of its codes, those above 0 are the others' codes
        signed = isinstance(held.convention.activation, TopK)
        torch.testing.assert_close(held.stated().encode(x).dense(), pre if signed else pre.relu(), atol=1e-5, rtol=1e-5)
        assert torch.equal(held.encoder, tensors["W_enc"].T)
        assert torch.equal(held.dictionary, tensors["W_dec"])
        assert torch.equal(held.bias, tensors["b_dec"])
        assert len(held.sha256) == 64


def test_a_file_is_of_one_format_alone(written):
    for name, path in written:
        assert [reader.name for reader in READERS.values() if reader.recognises(path)] == [name]


def test_a_folder_with_one_weights_file_is_read_as_that_file(written):
    by_name = dict(written)
    for name in ("patchsae", "clip_scope", "msae", "native"):
        assert read_checkpoint(by_name[name].parent).format == name


def test_no_reader_raises_whatever_it_is_asked_about(tmp_path):
    (tmp_path / "empty").mkdir()
    files = {
        "a.pt": b"", "b.pt": b"PK\x03\x04 broken", "c.pt": b"\x80\x02broken", "d.safetensors": b"\x08\0\0\0\0\0\0\0{}",
        "e.json": b"[1, 2]", "config.json": b"not json", "f.pt": b'{"schema": 5}\n', "cfg.json": b"{}",
    }  # fmt: skip
    for name, contents in files.items():
        (tmp_path / name).write_bytes(contents)
    torch.save([1, 2], tmp_path / "g.pt")
    torch.save({"state_dict": 3, "cfg": None, "model": None, "model_state_dict": []}, tmp_path / "h.pt")
    torch.save(torch.zeros(3), tmp_path / "i.pt")
    for path in (tmp_path, tmp_path / "empty", tmp_path / "none", *tmp_path.iterdir()):
        for reader in READERS.values():
            assert reader.recognises(path) in (True, False)
        with pytest.raises(CheckpointRefused) as refused:
            read_checkpoint(path)
        assert "\n" not in str(refused.value)


def test_what_fits_no_format_is_described(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"net": {"layer.weight": torch.zeros(3, 4)}, **{f"part{i}": torch.zeros(i + 1) for i in range(9)}}, path)
    with pytest.raises(CheckpointRefused) as refused:
        read_checkpoint(path)
    said = str(refused.value)
    assert "net.layer.weight (3, 4), part0 (1,)" in said
    assert "and 7 more, and is in no format that Tiller reads; name the file" in said
    assert len(said) - len(str(path)) < 200
    why = refused.value.__notes__
    assert [line.partition(" needs ")[0] for line in why] == list(READERS)
    assert max(map(len, why)) < 80
    save_file({"q": torch.zeros(2, 2)}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointRefused, match=r"holds q \(2, 2\)"):
        read_checkpoint(tmp_path / "x.safetensors")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("x")
    with pytest.raises(CheckpointRefused, match=r"is a folder with readme\.txt"):
        read_checkpoint(tmp_path / "notes")
    with pytest.raises(CheckpointRefused, match="no such file"):
        read_checkpoint(tmp_path / "none")


def test_a_hostile_file_is_refused_by_what_it_asks_for(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'run'}",))

    for held in ({"cfg": Hostile(), "state_dict": parts()}, {**parts(), "more": Hostile()}, Hostile()):
        torch.save(held, tmp_path / "x.pt")
        with pytest.raises(CheckpointRefused, match=r"system.*nothing in the file was run"):
            read_checkpoint(tmp_path / "x.pt")
    assert not (tmp_path / "run").exists()


JUNK = ([], {}, "x", -1, 10**30, 1.5, True, None, float("nan"), [1, 2], {"a": 1}, b"x", torch.zeros(()), torch.zeros(2))


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_one_sentence(tmp_path, junk):
    path = tmp_path / "x.pt"
    held = [({**config, key: junk}, parts()) for config in (PRISMA, PATCHSAE) for key in (*config, "gated_sae", "d_in")]
    held += [(config, {**parts(), key: junk}) for config in (PRISMA, PATCHSAE) for key in parts()]
    for config, state in held:
        torch.save({"cfg": config, "state_dict": state}, path)
        try:
            assert read_checkpoint(path).dictionary.shape == (K, D)
        except CheckpointRefused as refused:
            assert "\n" not in str(refused)
            assert len(str(refused)) < 900


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_file_with_changed_bytes_is_read_or_refused(tmp_path, zipped):
    torch.save({"cfg": PRISMA, "state_dict": parts()}, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    whole, draw = (tmp_path / "x.pt").read_bytes(), random.Random(0)
    for _ in range(150):
        changed = bytearray(whole)
        changed[draw.randrange(1600)] = draw.randrange(256)  # where the pickle is
        (tmp_path / "y.pt").write_bytes(changed)
        with contextlib.suppress(CheckpointRefused):
            read_checkpoint(tmp_path / "y.pt")
