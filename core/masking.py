"""A picture with one patch masked at a time, run whole: what the answer hangs on, whatever a dictionary sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from core.model import Clip

PRODUCTS_AT_ONCE = 3e9  # multiplications in one pass: 24 pictures of the demo's model, and one of any that is larger


@torch.no_grad()
def masked(model: Clip, pixels: Float[Tensor, "1 3 h w"], patches: Sequence[int]) -> Float[Tensor, "n 3 h w"]:
    """The picture once for each of `patches` (row by row, from 0), with that patch in the picture's mean colour.

    The mean is over all that the model sees of this picture. A black, grey or data-set mean square would be a new thing
    in most pictures, and its novelty, not what it hides, would move the answer; in a picture of one colour this masks
    nothing at all. It still puts edges in where the patch was of another colour: no fill is free of that.
    """
    high, wide = model.visual.patch_size
    seen = pixels[..., : high * model.grid, : wide * model.grid]  # a rest beyond the last whole patch is never read
    mean = seen.mean(dim=(-2, -1), keepdim=True)[0]
    pictures = pixels.repeat(len(patches), 1, 1, 1)
    for picture, patch in zip(pictures, patches, strict=True):
        top, left = patch // model.grid * high, patch % model.grid * wide
        picture[:, top : top + high, left : left + wide] = mean
    return pictures


@torch.no_grad()
def masked_logits(
    model: Clip, pixels: Float[Tensor, "1 3 h w"], patches: Sequence[int]
) -> Iterator[Float[Tensor, "n c"]]:
    """The logits with each of `patches` masked, whole passes in pieces of at most `PRODUCTS_AT_ONCE`.

    Pieces round otherwise than one picture does: expect logits within 1e-4 of a single pass.
    """
    lot = at_once(model)
    for start in range(0, len(patches), lot):
        yield model.logits(model.activations(masked(model, pixels, patches[start : start + lot])), exact=False)


def at_once(model: Clip) -> int:
    """How many pictures make one piece; a block costs each token 12 d^2: four d x d matrices, and two of 4d x d."""
    one = 12 * (model.grid**2 + 1) * model.depth * model.visual.transformer.width**2
    return max(1, int(PRODUCTS_AT_ONCE // one))
