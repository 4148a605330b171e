"""The command line on weights and dictionaries that people bring, and on those that they should not."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from core.checkpoints.native import save_native
from core.model import Clip
from core.sae import Convention, SparseAutoencoder, TopK
from study.__main__ import app

NAME = "tiller-test-vit"
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
LABELS = ("apple", "boat", "car")


class Command:
    """A pickle that would run something, were it ever unpickled."""

    def __reduce__(self):
        return print, ("it ran",)


@pytest.fixture(scope="module")
def network() -> open_clip.CLIP:
    torch.manual_seed(0)
    return open_clip.CLIP(**CONFIG).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, network) -> Iterator[Path]:
    """An architecture that open_clip knows, its weights, a dictionary for each of its last two blocks, a picture."""
    folder = tmp_path_factory.mktemp("own")
    (folder / f"{NAME}.json").write_text(json.dumps(CONFIG))
    before = open_clip.factory._MODEL_CONFIG_PATHS.copy()
    open_clip.add_model_config(folder)
    torch.save(network.state_dict(), folder / "weights.pt")
    tokenizer = open_clip.get_tokenizer(NAME)
    model = Clip.wrap(network, lambda image: image, tokenizer, name=NAME, block=-2, labels=LABELS)
    for name, block, tokens in (("spatial", 1, "all"), ("cls", 2, "cls")):
        save_native(dictionary(model, block, tokens), folder / f"own-{name}.safetensors")
    noise = torch.randint(0, 255, (40, 50, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    Image.fromarray(noise.numpy()).save(folder / "picture.png")
    yield folder
    open_clip.factory._MODEL_CONFIG_PATHS[:] = before
    open_clip.factory._rescan_model_configs()


def dictionary(model: Clip, block: int, tokens: str) -> SparseAutoencoder:
    rows = torch.nn.functional.normalize(torch.randn(64, 32, generator=torch.Generator().manual_seed(block)), dim=-1)
    return SparseAutoencoder(
        rows.clone(),
        torch.zeros(64),
        rows.clone(),
        torch.zeros(32),
        convention=Convention(TopK(8), tokens=tokens),  # pyright: ignore[reportArgumentType]
        header={"model": NAME, "weights": model.digest, "block": block},
    )


def run(command: str, folder: Path, *words: str, weights: str = "weights.pt", sae: str = "own-spatial.safetensors"):
    own = ("--model", NAME, "--pretrained", str(folder / weights), "--sae", str(folder / sae))
    return CliRunner().invoke(app, [command, str(folder / "picture.png"), *own, "--json", *words])


def asked(*words, **files) -> dict:
    done = run(*words, **files)
    assert done.exit_code == 0, done.output

    def refused(constant: str):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(done.stdout, parse_constant=refused)


def slow_logits(network: open_clip.CLIP, picture: Path, edit) -> torch.Tensor:
    """Logits of a hooked full pass in which `edit` changes the dense codes and the error is kept."""
    rows = torch.nn.functional.normalize(torch.randn(64, 32, generator=torch.Generator().manual_seed(1)), dim=-1)

    def splice(_block, _inputs, x):
        u = x @ rows.T
        z = torch.where(u >= u.topk(8, dim=-1).values[..., -1:], u.clamp_min(0), torch.zeros(()))
        after = edit(z.clone())
        return x - z @ rows + after @ rows

    _, _, preprocess = open_clip.create_model_and_transforms(NAME)
    pixels = preprocess(Image.open(picture).convert("RGB"))[None]
    texts = open_clip.get_tokenizer(NAME)([f"a photo of a {label}" for label in LABELS])
    handle = network.visual.transformer.resblocks[1].register_forward_hook(splice)
    try:
        logits, _ = network.get_logits(pixels, texts)
    finally:
        handle.remove()
    return logits[0]


def test_steering_own_weights_is_a_slow_hooked_pass(folder, network):
    words = ("--labels", ",".join(LABELS), "--units", "code", "--scope", "all")
    edits = ("--edit", "3:set=1.5", "--edit", "9:scale=2", "--edit", "20:suppress", "--edit", "40:add=-0.5")
    found = asked("steer", folder, *words, *edits)
    assert set(found) == {"before", "after", "edit_norm_ratio", "state_before", "state_after", "model", "sae"}

    def edit(z):
        z[..., 3] = 1.5
        z[..., 9] *= 2
        z[..., 20] = 0
        z[..., 40] = (z[..., 40] - 0.5).clamp_min(0)
        return z

    picture = folder / "picture.png"
    for said, by_hand in ((found["before"], lambda z: z), (found["after"], edit)):
        assert said["labels"] == list(LABELS)
        assert said["logits"] == pytest.approx(slow_logits(network, picture, by_hand).tolist(), abs=1e-4)
    assert found["before"] != found["after"]
    assert found["sae"]["components"] == 64
    assert found["model"]["name"] == NAME


def test_every_view_has_the_keys_that_scripts_read(folder):
    due = {"margin", "components", "other", "bias", "error", "constant", "total", "completeness_gap"}
    for view, sae in (("exact", "cls"), ("gradient", "spatial"), ("integrated", "spatial"), ("ablation", "spatial")):
        words = ("--labels", ",".join(LABELS), "--target", "apple", "--view", view, "--top", "4")
        found = asked("attribute", folder, *words, sae=f"own-{sae}.safetensors")
        assert due <= set(found)
        assert [set(each) for each in found["components"]] == [{"index", "activation", "score"}] * 4
        parts = sum(each["score"] for each in found["components"])
        parts += found["other"] + found["bias"] + found["error"] + found["constant"]
        assert parts == pytest.approx(found["total"], abs=1e-6)
        assert found["total"] + found["completeness_gap"] == pytest.approx(found["margin"], abs=1e-6)


@pytest.mark.parametrize(
    ("words", "files", "said"),
    [
        (("--edit", "3:set=1"), {}, "--units code"),
        (("--edit", "3:set=1e30", "--units", "code"), {}, "choose a smaller one"),
        (("--edit", "64:suppress"), {}, "name one from 0 to 63"),
        (("--edit", "64:set=1"), {}, "name one from 0 to 63"),
        (("--edit", "٣:suppress"), {}, "cannot be read"),
        (("--edit", "3:suppress", "--scope", "patches=16"), {}, "from 0 to 15"),
        ((), {"weights": "pickle.pt"}, "no state dict"),
        ((), {"weights": "command.pt"}, "more than tensors"),
        ((), {"weights": "text.safetensors"}, "no state dict"),
        ((), {"weights": "tensor.pt"}, "holds no state dict"),
        ((), {"weights": "wide.pt"}, f"give a state dict of {NAME}"),
        ((), {"weights": "nan.pt"}, "not finite"),
        ((), {"weights": "other.safetensors"}, "load the weights it was made on"),
        ((), {"weights": "none.pt"}, "neither a file nor a tag"),
        ((), {"sae": "command.pt"}, "not a whole safetensors file"),
        ((), {"sae": "none.safetensors"}, "no such file"),
    ],
)
def test_what_cannot_be_used_gets_one_sentence_and_nothing_of_it_runs(folder, network, words, files, said, capfd):
    whole = network.state_dict()
    (folder / "pickle.pt").write_bytes(pickle.dumps(Command()))
    torch.save({"weights": Command()}, folder / "command.pt")
    torch.save(torch.zeros(2), folder / "tensor.pt")
    (folder / "text.safetensors").write_text("a text of some length")
    torch.save({**whole, "visual.proj": torch.zeros(32, 25)}, folder / "wide.pt")
    torch.save({**whole, "visual.proj": torch.full((32, 24), torch.nan)}, folder / "nan.pt")
    save_file({**whole, "visual.proj": torch.ones(32, 24)}, folder / "other.safetensors")
    done = run("steer", folder, "--labels", ",".join(LABELS), *words, **files)
    assert done.exit_code == 2
    assert list(json.loads(done.stdout)) == ["error"]
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "it ran" not in done.output + capfd.readouterr().out
