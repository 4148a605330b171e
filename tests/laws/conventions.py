"""The conventions that a law of steering must hold under, at both blocks that a tower can be cut at, and pictures."""

from __future__ import annotations

import torch

from core.convention import ConstantNorm, Convention, LayerNorm, TopK
from core.model import Clip
from core.ripple import ReferenceSet, build_reference
from core.sae import SparseAutoencoder

CONVENTIONS = {
    "topk": Convention(TopK(6)),
    "class token": Convention(TopK(6), LayerNorm(), tokens="cls"),
    "constant norm": Convention(TopK(6), ConstantNorm()),
}
AT_BOTH_BLOCKS = [(name, block) for name in CONVENTIONS for block in (-1, -2)]


def labelled(
    model: Clip, sae: SparseAutoencoder, many: int, *, at_once: int
) -> tuple[torch.Tensor, list[int], ReferenceSet]:
    """Noise pictures of three classes in turn, their classes, and the reference set that they make."""
    pictures = torch.randn(many, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    truth = [each % 3 for each in range(many)]
    names = [f"{each}.png" for each in range(many)]
    return pictures, truth, build_reference(model, sae, pictures.split(at_once), truth, names)
