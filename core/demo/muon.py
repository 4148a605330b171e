"""Muon: momentum whose matrix steps are made orthogonal, which teaches a small transformer in fewer pictures."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonal(step: Tensor, rounds: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: singular values of `step` are pushed to between 0.7 and 1.2.

    Newton-Schulz iteration with Jordan's quintic coefficients, in single precision.
    """
    a, b, c = _QUINTIC
    x = step.T if step.shape[0] > step.shape[1] else step
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if step.shape[0] > step.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised per matrix, with decoupled weight decay; for hidden matrices only."""

    def __init__(
        self, matrices: Iterable[nn.Parameter], rate: float, *, momentum: float = 0.95, decay: float = 0.0
    ) -> None:
        super().__init__(matrices, {"lr": rate, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                state["mean"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(state["mean"], group["momentum"])
                # tall matrices get longer steps, so that outputs move alike whatever the shape
                stretch = max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(orthogonal(ahead), alpha=-group["lr"] * stretch)
