"""open_clip's image tower as plain functions: a run of blocks, a last block for one token, and the towers refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.openclip import ResidualAttentionBlock, VisionTransformer
from core.types import TillerError


def reads_class_token(visual: VisionTransformer) -> bool:
    """Whether the prediction is read from the class token alone once the blocks are over."""
    return visual.attn_pool is None and visual.pool_type == "tok"


def can_shorten(visual: VisionTransformer) -> bool:
    """Whether the last block may compute its class token alone."""
    return reads_class_token(visual) and type(visual.transformer.resblocks[-1]) is ResidualAttentionBlock


def through(
    visual: VisionTransformer,
    x: Float[Tensor, "b t d"],
    start: int,
    stop: int,
    *,
    blocks: Sequence[Callable[[Tensor], Tensor]] | None = None,
) -> Float[Tensor, "b t d"]:
    """The residual stream after blocks `start` to `stop` - 1, in the layout that the tower itself works in.

    Args:
        blocks: to go through in the place of the tower's own.
    """
    token_first = not visual.transformer.batch_first
    if token_first and start < stop:
        x = x.transpose(0, 1).contiguous()
    for block in (visual.transformer.resblocks if blocks is None else blocks)[start:stop]:
        x = block(x)
    return x.transpose(0, 1) if token_first and start < stop else x


def class_token_through_last(visual: VisionTransformer, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b 1 d"]:
    """The last block for token 0 only; all tokens are still attended to."""
    block = cast(ResidualAttentionBlock, visual.transformer.resblocks[-1])
    query = x[:, :1] + block.ls_1(_heard(block.attn, block.ln_1(x))[:, None])
    return query + block.ls_2(block.mlp(block.ln_2(query)))


def _heard(attention: nn.MultiheadAttention, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b d"]:
    """What token 0 takes from all of `x`, with no key and no value of any token ever computed.

    q (K x + k) is (q K) x and a term that all tokens share, to which softmax is blind; and a weighted sum of V x + v is
    V times the weighted sum of x, and v. One query then costs heads times d for each token, not d times d.
    """
    heads, size = attention.num_heads, attention.head_dim
    to_query, to_key, to_value = cast(Tensor, attention.in_proj_weight).chunk(3)
    query_bias, _, value_bias = cast(Tensor, attention.in_proj_bias).chunk(3)
    query = functional.linear(x[:, 0], to_query, query_bias).unflatten(-1, (heads, size)) / size**0.5
    asked = torch.einsum("bhe,hed->bhd", query, to_key.unflatten(0, (heads, size)))
    weights = (asked @ x.transpose(1, 2)).softmax(dim=-1)
    heard = torch.einsum("bhd,hed->bhe", weights @ x, to_value.unflatten(0, (heads, size))).flatten(1) + value_bias
    return attention.out_proj(heard)


def embedded(visual: VisionTransformer, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b e"]:
    """What is read once the blocks are over: pooled, normalised and projected as `encode_image` does."""
    if reads_class_token(visual):
        pooled = visual.ln_post(x[:, 0])
    else:
        pooled, _ = visual._pool(x)
    return pooled if visual.proj is None else pooled @ visual.proj


def refuse_tower(model: nn.Module, name: str) -> None:
    """Raise TillerError where the image tower of `model` cannot be cut."""
    visual = getattr(model, "visual", None)
    if not isinstance(visual, VisionTransformer):
        raise TillerError(
            f"The image tower of {name} is a {type(visual).__name__}; only open_clip's VisionTransformer can be cut: "
            "choose a ViT model, such as ViT-B-32."
        )
    if visual.pool_type == "none":
        raise TillerError(
            f"{name} pools no token (pool_type 'none'); a prediction needs one embedding per picture: choose a model "
            "that pools 'tok' or 'avg'."
        )
    if visual.grid_size[0] != visual.grid_size[1]:
        raise TillerError(
            f"{name} has {visual.grid_size[0]} by {visual.grid_size[1]} patches; maps are drawn on a square grid: "
            "choose a model with square input."
        )
