"""One tiny dictionary, written the way each library writes its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from core.checkpoints.contents import Checkpoint


def assert_computes(checkpoint: Checkpoint, codes: Tensor, rebuilt: Tensor, x: Tensor) -> None:
    """The engine's codes and reconstruction of `x` (image, token, d) are those worked out another way, to 1e-5."""
    sae = checkpoint.stated()
    assert all(part.is_contiguous() and part.dtype == torch.float32 for part in sae.parameters())
    found = sae.encode(x)
    torch.testing.assert_close(found.dense(), codes, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(sae.decode(found, at=x), rebuilt, atol=1e-5, rtol=1e-5)
    assert 0.02 < (codes != 0).float().mean() < 0.9  # some are there, and some are not


@dataclass(frozen=True, eq=False)
class Weights:
    """W_enc (d, k), b_enc (k), W_dec (k, d), b_dec (d): the common form of the libraries."""

    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor

    @classmethod
    def random(cls, width: int = 16, size: int = 48, seed: int = 0) -> Weights:
        """Rows of unequal length, and biases that matter."""
        draw = torch.Generator().manual_seed(seed)

        def noise(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=draw)

        lengths = 0.5 + torch.rand(size, 1, generator=draw)
        rows = lengths * noise(size, width) / width**0.5
        return cls(noise(width, size) / width**0.5, 0.3 * noise(size), rows, 0.5 * noise(width))

    @property
    def state(self) -> dict[str, Tensor]:
        """By name, as most libraries hold them; a copy, for writers that change it."""
        return {name: tensor.clone() for name, tensor in vars(self).items()}


def tokens(width: int = 16, images: int = 2, count: int = 5) -> Tensor:
    """Activations that are neither centred nor of one length."""
    draw = torch.Generator().manual_seed(7)
    return 0.4 + (0.5 + torch.rand(images, count, 1, generator=draw)) * torch.randn(
        images, count, width, generator=draw
    )


def write_saelens(folder: Path, state: dict[str, Tensor], **said: object) -> Path:
    """A folder of SAELens 6, or of an older version where `said` has its keys and `metadata` is None."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"sae_lens_version": "6.54.12", "model_name": "clip", "hook_name": "blocks.9.hook_resid_post"}
    about = {
        "d_in": len(state["b_dec"]),
        "d_sae": len(state["W_dec"]),
        "dtype": "float32",
        "architecture": "standard",
        "metadata": metadata,
        **said,
    }
    save_file(state, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps({name: value for name, value in about.items() if value is not None}))
    return folder


def write_dictionary_learning(folder: Path, state: dict[str, Tensor], **trainer: object) -> Path:
    """A folder of dictionary_learning; without a configuration where nothing is said."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / "ae.pt")
    if trainer:
        (folder / "config.json").write_text(json.dumps({"trainer": trainer}))
    return folder


def write_saev(file: Path, state: dict[str, Tensor], header: dict[str, object]) -> Path:
    """A file of saev: a line of JSON, then the state dict."""
    with file.open("wb") as opened:
        opened.write(json.dumps(header).encode() + b"\n")
        torch.save(state, opened)
    return file


def write_attributing_clip(folder: Path, weights: Weights) -> Path:
    """A Lightning checkpoint whose modules are torch's own, under its own weight_norm."""
    width, size = weights.W_enc.shape
    encoder, decoder = torch.nn.Linear(width, size), torch.nn.Linear(size, width, bias=False)
    with torch.no_grad():
        encoder.weight.copy_(weights.W_enc.T)
        encoder.bias.copy_(weights.b_enc)
        decoder.weight.copy_(weights.W_dec.T)
    modules = torch.nn.ModuleDict(
        {
            "encoder": torch.nn.Sequential(torch.nn.utils.weight_norm(encoder)),
            "decoder": torch.nn.utils.weight_norm(decoder, dim=1),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"epoch": 29, "pytorch-lightning_version": "2.5.0", "state_dict": modules.state_dict(), "loops": {}},
        folder / "last.ckpt",
    )
    return folder / "last.ckpt"
