"""How far a steered state lies from real pictures, measured against how far those lie from each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from core.ripple import ReferenceSet

BANK = 2048  # patches to be near to, drawn from all pictures
CALIBRATED = 128  # pictures whose own distances are known
FAR = 0.99  # share of the pictures that a state has to lie beyond to be warned of


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Tokens of real pictures, and the distance of each token of some of these pictures to the nearest of another one.

    A distance is over the mean norm of its kind; class tokens are compared with class tokens, patches with patches.
    """

    class_tokens: Float[Tensor, "n d"]
    patches: Float[Tensor, "m d"]
    own: Float[Tensor, "p t"]

    def share_nearer(self, x: Float[Tensor, "t d"], moved: Float[Tensor, " t"]) -> float | None:
        """The share of real pictures that lie nearer to the others than `x` does, at the tokens that an edit moves.

        `moved` is how far it moves each: a token counts by that, here as in the real pictures. None where the edit
        moves no token that is known of them.
        """
        rows = torch.nonzero(moved[: self.own.shape[1]])[:, 0]
        if not len(rows):
            return None
        weights = moved[rows] / moved[rows].sum()
        here = self.distances(x[rows], rows == 0) @ weights
        return (self.own[:, rows] @ weights < here).double().mean().item()

    def distances(self, x: Float[Tensor, "r d"], of_class: Tensor) -> Float[Tensor, " r"]:
        """The distance of each token to the nearest one of its kind, over their mean norm."""
        found = x.new_empty(len(x))
        for kind, bank in ((of_class, self.class_tokens), (~of_class, self.patches)):
            if kind.any():
                found[kind] = torch.cdist(x[kind], bank).amin(dim=-1) / bank.norm(dim=-1).mean()
        return found


@torch.no_grad()
def neighbours_of(reference: ReferenceSet, *, seed: int = 0) -> Neighbours:
    """The neighbours that a reference set gives, once for all plans; pictures and patches are drawn with `seed`."""
    images, tokens, _ = reference.activations.shape
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(images, generator=draw)[:CALIBRATED].to(reference.activations.device)
    flat = reference.activations.flatten(0, 1)
    places = torch.randperm(images * (tokens - 1), generator=draw)[:BANK].to(flat.device)
    of_image = places // max(1, tokens - 1)
    bank = flat[of_image * tokens + 1 + places % max(1, tokens - 1)]
    class_tokens = reference.activations[:, 0]
    own = flat.new_empty(len(chosen), tokens)
    for row, image in enumerate(chosen.tolist()):
        x = reference.activations[image]
        others = torch.arange(images, device=flat.device) != image
        known = Neighbours(class_tokens[others], bank[of_image != image], own)
        own[row] = known.distances(x, torch.arange(tokens, device=flat.device) == 0)
    return Neighbours(class_tokens, bank, own)
