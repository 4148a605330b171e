"""How much of the variance of real activations a dictionary explains, from three sums over rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from core.sae import SparseAutoencoder

_AT_ONCE = 128  # rows; a wrong convention may fire half of 49,152 components for each
_DENSE = 64  # of so many components one or more firing, a plain product is cheaper than a sparse one


@dataclass(frozen=True, eq=False)
class Sums:
    """What rows of one token type come to under one dictionary, in float64.

    With r the reconstruction less the centre c of the normaliser's way back: `whole` is the sum of |x - c|^2, `shared`
    of <x - c, r>, `rebuilt` of |r|^2, and `spread` of |x - mean x|^2 over these rows. `ratios` are 1 - |x - x_hat|^2 /
    |x - mean x|^2 row by row.
    """

    rows: int
    spread: float
    whole: float
    shared: float
    rebuilt: float
    codes: int
    fired: Tensor = field(repr=False)
    ratios: Tensor = field(repr=False)

    def left(self, scale: float = 1.0) -> float:
        """The sum of |x - x_hat|^2 with the reconstruction scaled."""
        return self.whole - 2 * scale * self.shared + scale * scale * self.rebuilt

    @property
    def l0(self) -> float:
        """Codes that are not 0, of a row."""
        return self.codes / max(1, self.rows)

    def explained(self, scale: float = 1.0) -> float:
        """1 - sum |x - x_hat|^2 / sum |x - mean x|^2."""
        return 1 - self.left(scale) / self.spread if self.spread else float("nan")


@torch.no_grad()
def sums(sae: SparseAutoencoder, x: Float[Tensor, "n d"]) -> Sums:
    """The sums of `sae` over rows of one token type, whichever tokens its convention speaks for."""
    reader = sae.changed(convention=replace(sae.convention, tokens="all"))  # it speaks for whatever rows it is given
    mean = x.double().mean(dim=0)
    whole = shared = rebuilt = spread = 0.0
    count = 0
    fired = torch.zeros(sae.size, dtype=torch.bool, device=x.device)
    ratios = []
    for part in x.split(_AT_ONCE):
        codes = reader.encode(part)
        fired[codes.components.long()] = True
        count += codes.count
        weighed = (
            codes.dense()[0] @ sae.dictionary
            if codes.count > len(part) * sae.size // _DENSE
            else codes.weigh(sae.dictionary)
        )
        scale, centre = sae.frame(part)
        r, target = (scale * (weighed + sae.bias)).double(), (part - centre).double()
        whole += target.square().sum().item()
        shared += (target * r).sum().item()
        rebuilt += r.square().sum().item()
        around = (part.double() - mean).square().sum(dim=1)
        spread += around.sum().item()
        ratios.append(1 - (target - r).square().sum(dim=1) / around)
    return Sums(len(x), spread, whole, shared, rebuilt, count, fired, torch.cat(ratios) if ratios else x.new_zeros(0))


def fitted_scale(found: Iterable[tuple[float, Sums]]) -> float:
    """The one scalar of the reconstruction that leaves the least, over weighted sums; 1 where none is better."""
    weighted = list(found)
    shared = sum(weight * one.shared for weight, one in weighted)
    rebuilt = sum(weight * one.rebuilt for weight, one in weighted)
    return shared / rebuilt if shared > 0 and rebuilt > 0 else 1.0


def pooled(found: Iterable[tuple[float, Sums]], scale: float = 1.0) -> float:
    """Explained variance over several token types, each about its own mean; a type's rows count with its weight.

    The class token lies far from the patches: about one common mean, a dictionary would be praised for telling the two
    apart, which takes no code at all.
    """
    weighted = list(found)
    spread = sum(weight * one.spread for weight, one in weighted)
    left = sum(weight * one.left(scale) for weight, one in weighted)
    return 1 - left / spread if spread else float("nan")
