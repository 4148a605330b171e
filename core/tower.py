"""open_clip's image tower as plain functions: a run of blocks, a last block for one token, and the towers refused."""

from __future__ import annotations

from typing import cast

from jaxtyping import Float
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn

from core.types import TillerError


def reads_class_token(visual: VisionTransformer) -> bool:
    """Whether the prediction is read from the class token alone once the blocks are over."""
    return visual.attn_pool is None and visual.pool_type == "tok"


def can_shorten(visual: VisionTransformer) -> bool:
    """Whether the last block may compute its class token alone."""
    return reads_class_token(visual) and type(visual.transformer.resblocks[-1]) is ResidualAttentionBlock


def through(visual: VisionTransformer, x: Float[Tensor, "b t d"], start: int, stop: int) -> Float[Tensor, "b t d"]:
    """The residual stream after blocks `start` to `stop` - 1, in the layout that the tower itself works in."""
    token_first = not visual.transformer.batch_first
    if token_first and start < stop:
        x = x.transpose(0, 1).contiguous()
    for block in visual.transformer.resblocks[start:stop]:
        x = block(x)
    return x.transpose(0, 1) if token_first and start < stop else x


def class_token_through_last(visual: VisionTransformer, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b 1 d"]:
    """The last block for token 0 only; all tokens are still attended to."""
    block = cast(ResidualAttentionBlock, visual.transformer.resblocks[-1])
    query, context = x[:, :1], block.ln_1(x)
    asked = context[:, :1]
    if visual.transformer.batch_first:
        heard = block.attention(asked, context, context)
    else:
        heard = block.attention(asked.transpose(0, 1), *(context.transpose(0, 1),) * 2).transpose(0, 1)
    query = query + block.ls_1(heard)
    return query + block.ls_2(block.mlp(block.ln_2(query)))


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
