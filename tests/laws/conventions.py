"""The conventions that a law of steering must hold under, at both blocks that a tower can be cut at."""

from __future__ import annotations

from core.convention import ConstantNorm, Convention, LayerNorm, TopK

CONVENTIONS = {
    "topk": Convention(TopK(6)),
    "class token": Convention(TopK(6), LayerNorm(), tokens="cls"),
    "constant norm": Convention(TopK(6), ConstantNorm()),
}
AT_BOTH_BLOCKS = [(name, block) for name in CONVENTIONS for block in (-1, -2)]
