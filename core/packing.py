"""Weights laid out once the way oneDNN multiplies with them, for a pass that goes through the same ones many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.openclip import ResidualAttentionBlock, VisionTransformer

Forward = Callable[[Tensor], Tensor]  # what a block does


def can_pack(weights: Tensor) -> bool:
    """Whether `weights` are of the type and on the kind of processor that this is quicker for.

    Without AVX-512 it is a seventh slower than `functional.linear`.
    """
    capable = torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability() == "AVX512"
    return capable and weights.device.type == "cpu" and weights.dtype == torch.float32


class Packed:
    """x @ weights.T + bias, a sixth quicker than `functional.linear` and rounded otherwise.

    Args:
        rows: of x, about; any number is right.
        then: what is taken of the result.
    """

    def __init__(
        self,
        weights: Float[Tensor, "o i"],
        bias: Float[Tensor, " o"] | None,
        rows: int,
        then: Literal["none", "gelu"] = "none",
    ) -> None:
        self._weights, self._bias, self._then = torch.ops.mkldnn._reorder_linear_weight(weights, rows), bias, then

    def __call__(self, x: Float[Tensor, "*n i"]) -> Float[Tensor, "*n o"]:
        """The product, and what is taken of it."""
        return torch.ops.mkldnn._linear_pointwise(x, self._weights, self._bias, self._then, [], "none")


class PackedBlock:
    """One of open_clip's blocks with its four matrices packed: the same function, rounded otherwise."""

    def __init__(self, block: ResidualAttentionBlock, rows: int) -> None:
        attention, between = block.attn, block.mlp[1]
        first, last = (cast(nn.Linear, block.mlp[place]) for place in (0, 2))
        self._block, self._heads = block, attention.num_heads
        self._asked = Packed(attention.in_proj_weight, attention.in_proj_bias, rows)
        self._heard = Packed(attention.out_proj.weight, attention.out_proj.bias, rows)
        fused = type(between) is nn.GELU and between.approximate == "none"
        self._first = Packed(first.weight, first.bias, rows, "gelu" if fused else "none")
        self._between = nn.Identity() if fused else between
        self._last = Packed(last.weight, last.bias, rows)

    def __call__(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """The block's output."""
        block = self._block
        query, key, value = self._asked(block.ln_1(x)).unflatten(-1, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = x + block.ls_1(self._heard(heard))
        return x + block.ls_2(self._last(self._between(self._first(block.ln_2(x)))))


def packed_blocks(visual: VisionTransformer, stop: int, rows: int) -> list[Forward]:
    """The tower's blocks before `stop`, packed where they can be; takes as much memory as these have weights."""

    def packed(block: nn.Module) -> Forward:
        if type(block) is ResidualAttentionBlock and can_pack(block.attn.out_proj.weight):
            return PackedBlock(block, rows)
        return block

    blocks = visual.transformer.resblocks[:stop]
    return [packed(block) for block in blocks] if visual.transformer.batch_first else [*blocks]
