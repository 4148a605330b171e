"""What attribution and steering ask of a model: two halves that are the whole together."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class VisionModel(Protocol):
    """`model.logits(model.activations(pixels))` is the whole forward pass."""

    @property
    def labels(self) -> tuple[str, ...]:
        """One class name per logit."""
        ...

    def pixels(self, image: Any) -> Float[Tensor, "1 3 h w"]:
        """One picture as the model wants it."""
        ...

    def activations(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t d"]:
        """The first half: the residual stream after the block, class token first."""
        ...

    def logits(self, activations: Float[Tensor, "b t d"]) -> Float[Tensor, "b c"]:
        """The second half, logit scale included."""
        ...
