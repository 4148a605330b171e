"""What a foreign file says of itself, as plain JSON values, and its matrices the way its library documents them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

_LONGEST = 2000  # characters of one text; paths and names are shorter, and a header is no place for more
_DEEPEST = 20  # levels; configurations have three or four


def plain(value: Any, depth: int = _DEEPEST) -> Any:
    """`value` as JSON holds it; Prisma's `{"__type__", "value"}` is its value, a tensor its shape in words."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _within(value, depth - 1) if depth else "..."
    if isinstance(value, Tensor):
        return value.item() if not value.ndim else f"values of shape {tuple(value.shape)}"
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def _within(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
    if not isinstance(value, Mapping):
        return [plain(each, depth) for each in value]
    if set(value) == {"__type__", "value"}:
        return str(value["value"]).removeprefix("torch.")
    return {str(name): plain(each, depth) for name, each in value.items()}


def upright(
    state: Mapping[str, Any], shapes: Mapping[str, str], *, width: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`state` with each matrix that lies the other way round put right, and a sentence for each that did.

    A matrix as long as it is wide looks the same both ways, and stays as it is: that is for the gate to find.

    Args:
        shapes: of each tensor, as letters; "d" is the length of the vector `width`.
        width: the name of a vector as long as the activations.
    """
    found, notes = dict(state), []
    bias = state.get(width)
    if not isinstance(bias, Tensor) or bias.ndim != 1:
        return found, ()
    for name, letters in shapes.items():
        matrix, due = state.get(name), letters.split()
        if not isinstance(matrix, Tensor) or matrix.ndim != len(due) or len(due) == 1:
            continue
        place = due.index("d")
        if matrix.shape[place] != len(bias) and matrix.shape[1 - place] == len(bias):
            found[name] = matrix.T
            notes.append(f"{name} lay the other way round, {tuple(matrix.shape)}, and was put right.")
    return found, tuple(notes)
