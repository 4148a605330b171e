"""Where a model may compute and in what numbers: what is not there is refused, and what is there is named."""

from __future__ import annotations

import torch
from torch import Tensor

from core.types import TillerError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def devices() -> tuple[str, ...]:
    """The devices of this machine, the processor first."""
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *(("cuda", *(f"cuda:{number}" for number in range(cuda))) if cuda else ()), *mps)


def checked_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        TillerError: this machine has none of that name.
    """
    if name not in devices():
        raise TillerError(
            f"Device '{name}' was asked for, and this machine has {', '.join(devices())}: name one of them."
        )
    return torch.device(name)


def checked_dtype(name: str) -> torch.dtype:
    """The type of that name.

    Raises:
        TillerError: a model is never computed in it.
    """
    if name not in DTYPES:
        raise TillerError(f"Type '{name}' was asked for; a model computes in {', '.join(DTYPES)}: name one of them.")
    return DTYPES[name]


def at_least_single(x: Tensor) -> Tensor:
    """`x` in float32 where it is in half precision, which loses nothing; `x` itself otherwise."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
