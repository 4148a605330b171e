"""clipscope 0.1.8 loads a file of the published layout with its own loader, and runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from record import activations, open_package, record, scatter

open_package("clipscope")

from clipscope.sae import SAE, TopKSAE  # noqa: E402 - its __init__ imports transformers


def write(out: Path, case: str, *, width: int, components: int, k: int) -> None:
    made = TopKSAE(k, n_features=components, d_in=width, device="cpu")
    scatter(made, rows="dec")
    file = out / case / "1200013184.pt"
    file.parent.mkdir()
    held = {"n_features": components, "d_in": width, "k": k, "model_state_dict": made.state_dict()}
    torch.save(held, file)
    SAE._download = classmethod(lambda cls, checkpoint, device, repo_id: torch.load(checkpoint, weights_only=True))
    x = activations(width)
    found = TopKSAE.from_pretrained(file, device="cpu").forward_verbose(x)
    record(out, case, x, found["latent"], found["reconstruction"])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_grad_enabled(False)
    write(folder, "22_resid", width=16, components=48, k=40)  # so many that some are below 0
    write(folder, "11_resid", width=768, components=49152, k=64)  # the published are a third larger
