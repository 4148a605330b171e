"""`tiller sae`: a file is described without a model, and converted only as real activations show it is to be read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from tiny import TINY
from typer.testing import CliRunner

from core.checkpoints.native import load_native, save_native
from core.model import Clip
from study import terminal
from study.__main__ import app

NAME = "tiller-test-sae"
D, K, BLOCK = 32, 64, 1
PRISMA = {
    "model_name": "open-clip:somebody/tiny",
    "hook_point_layer": BLOCK,
    "layer_subtype": "hook_resid_post",
    "activation_fn_str": "relu",
    "activation_fn_kwargs": {},
    "normalize_activations": None,
    "architecture": "standard",
    "d_in": D,
    "d_sae": K,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Path]:
    """A model that open_clip knows, its weights, and 260 small pictures in `images`, some of them in a folder."""
    home = tmp_path_factory.mktemp("sae")
    (home / f"{NAME}.json").write_text(json.dumps(TINY))
    before = open_clip.factory._MODEL_CONFIG_PATHS.copy()
    open_clip.add_model_config(home / f"{NAME}.json")
    torch.manual_seed(0)
    torch.save(open_clip.CLIP(**TINY).state_dict(), home / "weights.pt")
    (home / "images" / "more").mkdir(parents=True)
    draw = torch.Generator().manual_seed(1)
    for place in range(260):
        coarse = torch.randint(0, 255, (4, 4, 3), generator=draw, dtype=torch.uint8).numpy()
        folder = home / "images" / ("more" if place % 5 == 0 else ".")
        Image.fromarray(coarse).resize((32, 32)).save(folder / f"{place}.png")
    (home / "images" / "notes.txt").write_text("no picture")
    yield home
    open_clip.factory._MODEL_CONFIG_PATHS[:] = before
    open_clip.factory._rescan_model_configs()


@pytest.fixture(scope="module")
def clip(home) -> Clip:
    return Clip.load(NAME, home / "weights.pt", block=BLOCK, labels=("apple", "boat"))


def exact(*, normalised: bool = False) -> dict[str, torch.Tensor]:
    """Every direction and its opposite: a ReLU dictionary that rebuilds whatever it is given."""
    turned = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(3))).Q
    rows = torch.cat([turned, -turned])
    bias = torch.zeros(D) if normalised else 0.5 * torch.randn(D, generator=torch.Generator().manual_seed(4))
    return {"W_enc": rows.T.contiguous(), "b_enc": torch.zeros(K), "W_dec": rows, "b_dec": bias}


def prisma(folder: Path, tensors: dict[str, torch.Tensor] | None = None, **changed) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(PRISMA | changed))
    torch.save(exact() if tensors is None else tensors, folder / "weights.pt")
    return folder


def run(*words: object, status: int = 0):
    done = CliRunner().invoke(app, ["sae", *map(str, words)])
    assert done.exit_code == status, done.output
    return done


def refused(*words: object) -> str:
    """What a refusal says: one sentence or two on one line of stderr, and nothing on stdout."""
    done = run(*words, status=2)
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if line.startswith("tiller: ")]
    assert len(said) == 1
    return said[0]


@pytest.fixture
def convert(home):
    def words(source: Path, target: Path, *more: object) -> tuple[object, ...]:
        own = ("--model", NAME, "--pretrained", home / "weights.pt", "--images", home / "images")
        return ("convert", source, target, *own, *more)

    return words


def test_a_file_is_described_without_a_model(tmp_path):
    source = prisma(tmp_path / "x", normalize_activations="layer_norm", cls_token_only=True)
    result = json.loads(run("info", source, "--json").stdout)
    assert (result["format"], result["components"], result["width"], result["block"]) == ("prisma", K, D, BLOCK)
    assert result["normalisation"] == {"kind": "layer_norm", "eps": 1e-5}
    assert (result["activation"], result["pre_bias"], result["tokens"]) == ({"kind": "relu"}, True, "cls")
    assert (result["model"], result["hook"], result["unsaid"]) == ("open-clip:somebody/tiny", "block", [])
    assert (result["gate"], result["verdict"]) == (None, None)
    assert result["said"]["d_in"] == D
    assert len(result["sha256"]) == len(result["digest"]) == 64
    shown = run("info", source).stdout
    assert all(word in shown for word in ("prisma", "64 components", "layer norm", "class token", "after block 1"))


def test_what_a_file_leaves_open_is_said(tmp_path):
    config = {key: value for key, value in PRISMA.items() if key != "normalize_activations"}
    source = prisma(tmp_path / "x")
    (source / "config.json").write_text(json.dumps(config))
    assert json.loads(run("info", source, "--json").stdout)["unsaid"] == ["normalisation"]
    assert "normalisation" in run("info", source).stdout.split("not said")[1].splitlines()[0]


def test_a_conversion_writes_what_the_gate_accepted(tmp_path, convert, clip):
    target = tmp_path / "new" / "x.safetensors"
    done = run(*convert(prisma(tmp_path / "x"), target, "--json"))
    result = json.loads(done.stdout)
    assert (result["format"], result["verdict"], result["block"]) == ("native", "as stated", BLOCK)
    assert result["gate"]["explained"] == pytest.approx(1, abs=1e-4)
    assert result["gate"]["images"] == 260
    assert result["origin"]["format"] == "prisma"
    assert result["weights"] == clip.digest
    assert [path.name for path in target.parent.iterdir()] == ["x.safetensors"]

    back = load_native(target, model=clip)
    assert back.digest == result["digest"]
    x = torch.randn(2, 5, D, generator=torch.Generator().manual_seed(5))
    due = ((x - exact()["b_dec"]) @ exact()["W_enc"]).relu()
    torch.testing.assert_close(back.encode(x).dense(), due, atol=1e-5, rtol=1e-5)

    shown = run("info", target).stdout
    assert "converted from prisma weights.pt" in shown
    assert "as stated: explains 100.0%" in " ".join(shown.split())
    assert json.loads(run("info", target, "--json").stdout) == result


def test_the_same_autoencoder_has_the_same_digest_before_and_after(tmp_path, convert):
    source, target = prisma(tmp_path / "x"), tmp_path / "x.safetensors"
    run(*convert(source, target))
    before, after = (json.loads(run("info", path, "--json").stdout) for path in (source, target))
    assert before["digest"] == after["digest"]
    assert before["sha256"] != after["sha256"]


def test_a_files_checksum_and_the_digest_of_what_it_holds_have_a_word_each(tmp_path):
    file = prisma(tmp_path / "x")
    said = json.loads(run("info", file, "--json").stdout)
    rows = [line.split() for line in run("info", file).stdout.splitlines()]
    assert ["checksum", *f"{said['sha256'][:12]}, of the file".split()] in rows
    assert ["digest", *f"{said['digest'][:12]}, of what it holds, whatever the file".split()] in rows


def test_a_wrong_statement_is_corrected_and_said_to_be(tmp_path, convert):
    """Its bias is folded into the encoder already, and Prisma's code takes it off once more."""
    tensors = exact()
    tensors["b_dec"] = 3 * torch.randn(D, generator=torch.Generator().manual_seed(6))
    tensors["b_enc"] = -tensors["b_dec"] @ tensors["W_enc"]
    source, target = prisma(tmp_path / "x", tensors), tmp_path / "x.safetensors"
    assert json.loads(run("info", source, "--json").stdout)["pre_bias"]
    result = json.loads(run(*convert(source, target, "--json")).stdout)
    assert (result["verdict"], result["pre_bias"]) == ("corrected", False)
    stated = max(one["explained"] for one in result["gate"]["candidates"] if one["stated"])
    assert result["gate"]["explained"] > stated + 0.1
    assert not load_native(target).convention.pre_bias
    assert "corrected: explains" in run("info", target).stdout


def test_a_block_that_the_file_does_not_say_is_named(tmp_path, convert):
    tensors, source = exact(), tmp_path / "x.pt"
    state = {"pre_b": tensors["b_dec"], "enc": tensors["W_enc"], "dec": tensors["W_dec"]}
    torch.save({"n_features": K, "d_in": D, "k": D, "model_state_dict": state}, source)
    target = tmp_path / "x.safetensors"
    assert "name it with --block" in refused(*convert(source, target))
    result = json.loads(run(*convert(source, target, "--block", 2, "--json")).stdout)
    assert result["block"] == 2
    assert "Block 2 was named at conversion; the file says none." in result["origin"]["notes"]


def test_a_dictionary_of_embeddings_is_described_and_converted_in_one_command(tmp_path, convert, home):
    source = tmp_path / "48_24_ReLU_003_False_False_0.0_cc3m_tiny_train_image_260_24.pth"
    turned = torch.linalg.qr(torch.randn(24, 24, generator=torch.Generator().manual_seed(3))).Q
    rows = torch.cat([turned, -turned])
    state = {"pre_bias": torch.zeros(24), "encoder": rows.T.contiguous(), "latent_bias": torch.zeros(48)}
    held = {"model": {**state, "decoder": rows}, "mean_center": torch.zeros(24), "scaling_factor": 2.0}
    torch.save(held, source)
    target = tmp_path / "x.safetensors"
    told = " ".join(run("info", source).stdout.split())
    assert "at the embedding" in told and "one, the embedding" in told and "length" in told and "block" not in told
    result = json.loads(run(*convert(source, target, "--json")).stdout)
    assert (result["block"], result["hook"], result["width"], result["gate"]["block"]) == (
        *["embedding"] * 2,
        24,
        "embedding",
    )
    assert result["gate"]["explained"] == pytest.approx(1, abs=1e-4)
    told = " ".join(run("info", target).stdout.split())
    assert "at the embedding" in told and "block" not in told and "codes a picture" in told
    clip = Clip.load(NAME, home / "weights.pt", block="embedding", labels=("apple", "boat"))
    assert load_native(target, model=clip).block == "embedding"
    wide = prisma(tmp_path / "wide")
    said = refused(*convert(wide, tmp_path / "y.safetensors", "--block", "embedding"))
    assert "reads embeddings 32 wide" in said and "gives 24" in said
    assert "name a block, counted from 0, or embedding" in refused(
        *convert(wide, target, "--block", "last", "--overwrite")
    )


def test_progress_and_refusals_leave_the_output_alone(tmp_path, convert, monkeypatch):
    monkeypatch.setattr(terminal, "SECONDS", 0.0)
    done = run(*convert(prisma(tmp_path / "x"), tmp_path / "x.safetensors", "--json"))
    json.loads(done.stdout)
    assert "looking at pictures" in done.stderr


def test_each_refusal_is_one_sentence_and_writes_nothing(tmp_path, convert, home):
    source, target = prisma(tmp_path / "x"), tmp_path / "out" / "x.safetensors"
    few = tmp_path / "few"
    few.mkdir()
    Image.new("RGB", (8, 8)).save(few / "one.png")
    assert "no such file" in refused("info", tmp_path / "none.pt")
    assert "no such file" in refused(*convert(tmp_path / "none.pt", target))
    mlp = prisma(tmp_path / "mlp", layer_subtype="hook_mlp_out")
    said = refused(*convert(mlp, target))
    assert (
        "the MLP's output (mlp_out) in block 1, counted from 0" in said and "take a dictionary of the residual" in said
    )
    assert "`bundle make` refuse it, and one of the residual stream" in " ".join(run("info", mlp).stdout.split())
    assert "holds 1 picture," in refused(*convert(source, target, "--images", few))
    assert "no such folder" in refused(*convert(source, target, "--images", tmp_path / "none"))
    assert ".safetensors" in refused(*convert(source, target.with_suffix(".pt")))
    wide = {name: torch.zeros(tuple(2 * length if length == D else length for length in tensor.shape))
            for name, tensor in exact().items()}  # fmt: skip
    other = prisma(tmp_path / "wide", wide, d_in=2 * D)
    assert "64 wide" in refused(*convert(other, target))
    assert "has 3 blocks" in refused(*convert(source, target, "--block", 7))

    class Hostile:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'run'}",))

    torch.save({"cfg": Hostile(), "state_dict": exact()}, tmp_path / "hostile.pt")
    assert "nothing in the file was run" in refused(*convert(tmp_path / "hostile.pt", target))
    assert "nothing in the file was run" in refused("info", tmp_path / "hostile.pt")
    assert not (tmp_path / "run").exists()
    assert not target.parent.exists() or not list(target.parent.iterdir())


def test_a_dictionary_that_explains_nothing_is_refused_with_the_figures(tmp_path, convert):
    draw = torch.Generator().manual_seed(8)
    noise = {name: torch.randn(tensor.shape, generator=draw) for name, tensor in exact().items()}
    said = refused(*convert(prisma(tmp_path / "x", noise), tmp_path / "x.safetensors"))
    assert "of the variance" in said
    assert "50.0% is the least" in said
    assert not (tmp_path / "x.safetensors").exists()


def test_a_published_figure_sets_the_bar(tmp_path, convert, home, clip):
    """Rebuilt at 0.7 of its size, what is explained is 1 - 0.3 * 0.3."""
    pixels = torch.cat([clip.pixels(home / "images" / f"{place}.png") for place in range(1, 5)])
    tensors = exact()
    tensors["b_dec"] = clip.activations(pixels)[:, 1:].mean(dim=(0, 1))
    tensors["W_dec"] = 0.7 * tensors["W_dec"]
    source = prisma(tmp_path / "x", tensors, use_patches_only=True)
    result = json.loads(run(*convert(source, tmp_path / "x.safetensors", "--json")).stdout)
    assert result["gate"]["explained"] == pytest.approx(0.91, abs=0.02)
    assert "5 points below the published" in refused(*convert(source, tmp_path / "y.safetensors", "--published", 1.0))


def test_a_file_that_is_there_is_kept_unless_told_otherwise(tmp_path, convert):
    source, target = prisma(tmp_path / "x"), tmp_path / "x.safetensors"
    target.write_bytes(b"mine")
    assert "--overwrite" in refused(*convert(source, target))
    assert target.read_bytes() == b"mine"
    run(*convert(source, target, "--overwrite"))
    load_native(target)
    assert "is the file to convert" in refused(*convert(target, target, "--overwrite"))


def test_nothing_half_written_is_left(tmp_path, monkeypatch, tiny_sae):
    target = tmp_path / "x.safetensors"
    target.write_bytes(b"mine")

    def broken(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("core.checkpoints.native.save_file", broken)
    with pytest.raises(OSError, match="no space"):
        save_native(tiny_sae, target)
    assert target.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]
