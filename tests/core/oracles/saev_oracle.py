"""saev 0.1.0 writes its flat header and its state dict, and runs what it loads."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from record import activations, record, scatter
from saev import config, nn


def write(out: Path, case: str, *, width: int, factor: int, rest: float = 0.0) -> None:
    sae = nn.SparseAutoencoder(config.SparseAutoencoder(d_vit=width, exp_factor=factor))
    scatter(sae, rows="W_dec")
    sae.b_enc -= rest
    nn.dump(str(out / case / "sae.pt"), sae)
    x = activations(width)
    reconstruction, codes, _ = nn.load(str(out / case / "sae.pt"))(x)
    record(out, case, x, codes, reconstruction)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_grad_enabled(False)
    write(folder, "flat", width=16, factor=3)
    write(folder, "true-size", width=768, factor=32, rest=3.0)  # some 1 % of the codes
