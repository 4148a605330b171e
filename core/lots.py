"""Which other component a random control takes out of each picture: a fair draw that no plan changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor

from core.sae import SparseAutoencoder
from core.types import SteeringPlan

if TYPE_CHECKING:
    from core.ripple import ReferenceSet

Push = tuple[Tensor, Tensor]  # rows, and what is added there


@dataclass(frozen=True, eq=False)
class _Lots:
    """Each picture's active components in the order in which `without_another` would draw them.

    Those of picture n are at begin[n] to begin[n + 1]; the codes of each are codes[first : first + many].
    """

    begin: Int[Tensor, " n_plus_1"]
    component: Int[Tensor, " p_plus_1"]  # -1 at the end
    first: Int[Tensor, " p"]
    many: Int[Tensor, " p"]


@lru_cache(maxsize=8)
def _lots(reference: ReferenceSet, components: int, seed: int) -> _Lots:
    """A fair draw: (large random per component * random per image) mod 1, the least first; no plan changes it."""
    codes, (images, tokens, _) = reference.codes, reference.activations.shape
    generator = torch.Generator().manual_seed(seed)
    of_component = 2**20 * torch.rand(components, generator=generator, dtype=torch.float64).to(codes.values.device)
    of_image = torch.rand(images, generator=generator, dtype=torch.float64).to(codes.values.device)
    # codes are sorted by component, then row: those of one component in one picture are neighbours
    pair = codes.components.long() * images + codes.rows.long() // tokens
    pair, many = torch.unique_consecutive(pair, return_counts=True)
    component, image = pair // images, pair % images
    order = (of_component[component] * of_image[image] % 1).argsort()
    order = order[image[order].argsort(stable=True)]
    return _Lots(
        torch.searchsorted(image[order], torch.arange(images + 1, device=image.device)),
        torch.cat([component[order], component.new_tensor([-1])]),
        (many.cumsum(0) - many)[order],
        many[order],
    )


def without_another(
    sae: SparseAutoencoder, reference: ReferenceSet, plan: SteeringPlan, wanted: Tensor, seed: int
) -> Push:
    """Rows, and the dx of taking an active component that `plan` leaves alone out of each `wanted` picture with one."""
    codes, width, lots = reference.codes, reference.activations.shape[-1], _lots(reference, sae.size, seed)
    place, end = lots.begin[:-1].clone(), lots.begin[1:]
    taken = torch.isin(lots.component, lots.component.new_tensor([edit.component for edit in plan]))
    for _ in plan:
        place += (place < end) & taken[place]
    place = place[wanted & (place < end)]
    first, many = lots.first[place], lots.many[place]
    chosen = torch.arange(int(many.sum()), device=first.device)
    chosen += torch.repeat_interleave(first - many.cumsum(0) + many, many)
    rows = codes.rows[chosen].long()
    scale = sae.frame(reference.activations.view(-1, width)[rows])[0]
    return rows, -codes.values[chosen, None] * scale * sae.dictionary[codes.components[chosen].long()]


def anywhere(sae: SparseAutoencoder, rows: Tensor, plan: SteeringPlan, *, seed: int) -> Push:
    """For pictures where nothing else is active: some component's direction at `rows`, which the plan touches."""
    others = [each for each in range(sae.size) if plan.on(each) is None] or list(range(sae.size))
    lot = torch.randint(len(others), (), generator=torch.Generator().manual_seed(seed)).item()
    return rows, sae.dictionary[others[int(lot)]].expand(len(rows), -1)
