"""One picture under a sham: an edit as large as the plan's that is not the plan's. Would any such edit do it?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from core.model import Clip
from core.ripple import Control
from core.sae import SparseAutoencoder
from core.steering import Look, Steered, check_plan, edited, pushed
from core.types import Edit, SteeringPlan

MATCHED = 8  # how many components of a size like the plan's take part in the draw


@dataclass(frozen=True)
class Sham:
    """What the model says under a sham of a plan.

    `component` is what was taken away `factor` times; None where the plan was turned round, where nothing else is
    active, or where the plan moves nothing here (`size` 0). `size` is ||dx|| over all tokens, the plan's own.
    """

    steered: Steered
    component: int | None
    factor: float
    size: float


@torch.no_grad()
def sham_of(
    model: Clip, sae: SparseAutoencoder, seen: Look, plan: SteeringPlan, *, kind: Control = "random", seed: int = 0
) -> Sham:
    """The prediction under an edit whose ||dx|| in this picture is the plan's, and whose direction is not.

    "flipped" is the plan's own dx turned round. "random" takes away one other component that is active in the
    picture, scaled to the plan's ||dx||: with `seed`, one of the `MATCHED` whose own size here (the ||dx|| of taking it
    away whole) is nearest to the plan's in ratio, so that none has to be blown up far beyond what it ever is. The
    ripple's control draws among all that are active instead, for a reference set has no one size to match.
    """
    check_plan(plan, sae, model)
    x = seen.activations[0]
    change = edited(seen.codes, plan, sae)
    delta = sae.shift(change.values, change.components, at=x[change.rows])
    size = delta.norm()
    if not size > 0:
        return Sham(pushed(model, seen, change.rows, delta), None, 1.0, 0.0)
    if kind == "flipped":
        return Sham(pushed(model, seen, change.rows, -delta), None, 1.0, size.item())
    draw = torch.Generator().manual_seed(seed)
    others = _matched(sae, seen, plan, size)
    if not len(others):
        away = _direction(sae, plan, draw).expand(len(change.rows), -1)
        return Sham(_scaled(model, seen, change.rows, away, size), None, 1.0, size.item())
    component = int(others[torch.randint(len(others), (), generator=draw)])
    taken = edited(seen.codes, SteeringPlan((Edit(component),)), sae)
    away = sae.shift(taken.values, taken.components, at=x[taken.rows])
    steered = _scaled(model, seen, taken.rows, away, size)
    return Sham(steered, component, (size / away.norm()).item(), size.item())


def _matched(sae: SparseAutoencoder, seen: Look, plan: SteeringPlan, size: Tensor) -> Int[Tensor, " m"]:
    """Active components that the plan leaves alone, those nearest in size first, at most `MATCHED`."""
    codes = seen.codes
    scale = sae.frame(seen.activations[0][codes.rows.long()])[0][:, 0]
    components = codes.components.long()
    own = (codes.values * scale).square() * sae.dictionary.square().sum(dim=-1)[components]
    sizes = own.new_zeros(sae.size).index_add_(0, components, own).sqrt()
    sizes[[edit.component for edit in plan]] = 0
    active = torch.nonzero(sizes)[:, 0]
    apart = (sizes[active] / size).log().abs()
    return active[apart.argsort(stable=True)][:MATCHED]


def _direction(sae: SparseAutoencoder, plan: SteeringPlan, draw: torch.Generator) -> Float[Tensor, " d"]:
    others = [each for each in range(sae.size) if plan.on(each) is None] or list(range(sae.size))
    return sae.dictionary[others[int(torch.randint(len(others), (), generator=draw))]]


def _scaled(model: Clip, seen: Look, rows: Tensor, away: Tensor, size: Tensor) -> Steered:
    return pushed(model, seen, rows, away * (size / away.norm()))
