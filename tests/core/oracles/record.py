"""What every oracle script shares: a package reached past its front door, random weights, and the record of a run."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import torch


def open_package(name: str) -> types.ModuleType:
    """`name` with its modules within reach and its `__init__` not run.

    The `__init__` of these libraries imports what they train with; their autoencoders need little of it.
    """
    found = importlib.util.find_spec(name)
    assert found is not None and found.submodule_search_locations is not None, f"{name} is not installed"
    return stand_in(name, __path__=list(found.submodule_search_locations))


def stand_in(name: str, **attributes: object) -> types.ModuleType:
    """A module of these attributes under `name`."""
    module = types.ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module
    return module


@torch.no_grad()
def scatter(module: torch.nn.Module, *, rows: str, seed: int = 0) -> None:
    """Random weights for `module`: unit-size rows of unequal length in `rows`, biases that matter."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in module.named_parameters():
        if tensor.ndim == 2:
            tensor.copy_(torch.randn(tensor.shape, generator=draw) / min(tensor.shape) ** 0.5)
            if name == rows:
                tensor.mul_(0.5 + torch.rand(len(tensor), 1, generator=draw))
        elif "threshold" in name:
            tensor.copy_(torch.rand(tensor.shape, generator=draw))
        else:
            tensor.copy_(0.3 * torch.randn(tensor.shape, generator=draw))


def activations(width: int, tokens: int = 12) -> torch.Tensor:
    """Tokens that are neither centred nor of one length."""
    draw = torch.Generator().manual_seed(7)
    return 0.4 + (0.5 + torch.rand(tokens, 1, generator=draw)) * torch.randn(tokens, width, generator=draw)


def record(out: Path, case: str, x: torch.Tensor, codes: torch.Tensor, reconstruction: torch.Tensor) -> None:
    """Keep one run of the library's own forward pass as `case`.npz."""
    np.savez(
        out / f"{case}.npz",
        x=x.detach().numpy(),
        codes=codes.detach().numpy(),
        reconstruction=reconstruction.detach().numpy(),
    )
