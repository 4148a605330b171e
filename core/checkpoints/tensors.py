"""The tensors of a foreign file are taken by name, and checked, before anything is computed with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from core.checkpoints import CheckpointRefused


class Jump(NamedTuple):
    """The encoder's side of an autoencoder with the `JumpRelu` activation."""

    encoder: Float[Tensor, "k d"]
    encoder_bias: Float[Tensor, " k"]
    thresholds: Float[Tensor, " k"]


def take(
    file: Path,
    state: Mapping[str, Any],
    shapes: Mapping[str, str],
    *,
    as_what: str,
    lengths: Mapping[str, int | None] | None = None,
    spare: Iterable[str] = (),
) -> dict[str, Tensor]:
    """The tensors of `state` that `shapes` names, as float32.

    Args:
        shapes: of each tensor, as letters, such as "d k"; one letter is one length wherever it stands.
        as_what: what the file was read as, for the error: "a topk dictionary of SAELens".
        lengths: those that the file's configuration gives; None is not given.
        spare: names that may be there and are not taken.

    Raises:
        CheckpointRefused: says all that is missing, not known, of another shape or not finite.
    """
    known = {letter: length for letter, length in (lengths or {}).items() if length is not None}
    faults = [f"{name} is missing" for name in shapes if name not in state]
    faults += [f"{name} is not part of one" for name in state if name not in shapes and name not in spare]
    taken: dict[str, Tensor] = {}
    for name, letters in shapes.items():
        if name not in state:
            continue
        tensor, due = state[name], letters.split()
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            faults.append(f"{name} is not a tensor of real numbers")
        elif (wanted := _wanted(due, tensor, known)) != list(tensor.shape):
            faults.append(f"{name} is ({', '.join(map(str, tensor.shape))}), not ({', '.join(map(str, wanted))})")
        elif 0 in tensor.shape:
            faults.append(f"{name} is empty")
        else:
            taken[name] = tensor.float()
            if not torch.isfinite(taken[name]).all():
                faults.append(f"{name} holds values that are not finite")
    if faults:
        raise CheckpointRefused(
            f"{file} was read as {as_what}, and does not hold one: {'; '.join(faults)}; fetch the file again, or "
            "correct its configuration."
        )
    return taken


def _wanted(due: list[str], tensor: Tensor, known: dict[str, int]) -> list[int | str]:
    """The shape that was due, in lengths where those are known; the first tensor with a letter makes it known."""
    if tensor.ndim == len(due):
        return [known.setdefault(letter, length) for letter, length in zip(due, tensor.shape, strict=True)]
    return [known.get(letter, letter) for letter in due]


def jump_of_gated(
    encoder: Float[Tensor, "k d"],
    *,
    log_gain: Float[Tensor, " k"],
    gate_bias: Float[Tensor, " k"],
    magnitude_bias: Float[Tensor, " k"],
) -> Jump:
    """A gated encoder as the JumpReLU that it is.

    With a = W x, a gated code is relu(u), u = exp(r) a + b_mag, where a + b_gate > 0. As exp(r) > 0, that is where
    u > b_mag - exp(r) b_gate: a threshold on u, and the relu is the JumpReLU's own u > 0.
    """
    gain = log_gain.exp()
    return Jump(gain[:, None] * encoder, magnitude_bias, magnitude_bias - gain * gate_bias)


def norms_of(dictionary: Float[Tensor, "k d"]) -> Float[Tensor, " k"]:
    """The length of each row; 1 for a row of zeros, which no division can bring to length 1."""
    norms = dictionary.norm(dim=-1)
    return torch.where(norms > 0, norms, 1)


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object in a file.

    Raises:
        CheckpointRefused: it is not there, or holds something else.
    """
    try:
        said = json.loads(file.read_bytes())
    except OSError as wrong:
        raise CheckpointRefused(
            f"{file} was looked for, and there is no such file; put the weights' own configuration there."
        ) from wrong
    except (ValueError, RecursionError) as wrong:
        raise CheckpointRefused(f"{file} is not JSON ({wrong}); fetch it again.") from wrong
    if not isinstance(said, dict):
        raise CheckpointRefused(f"{file} holds no JSON object; fetch it again.")
    return said
