"""What else an edit changes: the steered activations encoded anew, as if they were a picture's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from core.sae import SparseAutoencoder
from core.steering import Look, edited
from core.types import SteeringPlan


@dataclass(frozen=True, slots=True)
class SideEffect:
    """A component that nobody edited and whose code changed; codes at its strongest place, in multiples of its p99."""

    component: int
    before: float
    after: float


@torch.no_grad()
def steered_activations(sae: SparseAutoencoder, seen: Look, plan: SteeringPlan) -> Float[Tensor, "1 t d"]:
    """A picture's activations under `plan`: what `steer` hands to the second half of the tower."""
    change = edited(seen.codes, plan, sae)
    x = seen.activations.clone()
    x[0, change.rows] += sae.shift(change.values, change.components, at=x[0, change.rows])
    return x


@torch.no_grad()
def side_effects(
    sae: SparseAutoencoder, seen: Look, plan: SteeringPlan, unit: Callable[[int], float]
) -> tuple[SideEffect, ...]:
    """Every unedited component whose strongest code differs once the steered state is encoded, greatest change first.

    They inform and never feed back into the edit. `unit` is a component's p99; those without one are left out.
    """
    before, after = seen.codes.peaks(), sae.encode(steered_activations(sae, seen, plan)).peaks()
    found: list[SideEffect] = []
    for component in (before.keys() | after.keys()) - {edit.component for edit in plan}:
        was, now, p99 = before.get(component, 0.0), after.get(component, 0.0), unit(component)
        if was != now and p99 > 0:
            found.append(SideEffect(component, was / p99, now / p99))
    return tuple(sorted(found, key=lambda one: (-abs(one.after - one.before), one.component)))
