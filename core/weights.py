"""Weights are known by a digest of their values, never by their file name; what is none of them is not opened."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.digest import Values, values_digest
from core.types import TillerError

LONGEST_REASON = 160  # characters
_ESCAPE = re.compile("\x1b\\[[0-9;]*m")  # colours of a terminal


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over names, types, shapes and values of a module's state: the same whatever file it came from."""

    def held(tensor: torch.Tensor) -> np.ndarray:
        return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()

    state = sorted(module.state_dict().items())
    return values_digest(Values(name, str(each.dtype), tuple(each.shape), held(each)) for name, each in state)


def why_refused(refused: Exception) -> str:
    """Why a file or a tag gave no weights, in a few words: loaders speak in paragraphs, and advise what we never do."""
    if isinstance(refused, pickle.UnpicklingError):
        return "it holds more than tensors, and nothing in a file is ever run"
    if isinstance(refused, AttributeError | StopIteration):
        return "it holds no state dict"
    said = " ".join(_ESCAPE.sub("", str(refused)).split())
    return (said if len(said) <= LONGEST_REASON else said[:LONGEST_REASON] + " ...") or type(refused).__name__


def refuse_values(module: nn.Module, name: str) -> None:
    """Refuse weights of which one is not a finite number: each prediction would be NaN."""
    for part, tensor in module.state_dict().items():
        if tensor.is_floating_point() and tensor.numel() and not torch.stack(tensor.aminmax()).isfinite().all():
            raise TillerError(
                f"Weights were given for {name} whose '{part}' holds values that are not finite; a prediction needs "
                "finite ones: fetch or train them again."
            )


def refuse_contents(name: str, path: Path) -> None:
    """Refuse a file that does not begin as safetensors or torch's own do, before any loader takes it for a pickle."""
    with path.open("rb") as file:
        head = file.read(9)
    sound = head[8:] == b"{" if path.suffix == ".safetensors" else head.startswith((b"PK", b"\x80\x02"))
    if not sound:
        raise TillerError(
            f"'{path}' was given as weights for {name} and is no state dict; give a file that safetensors "
            "(.safetensors) or torch.save wrote."
        )
