"""A map says with one colour scale what each patch adds: blue against, orange for, and nothing where it is silent."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from PIL import Image

# The ends differ in hue and are equally dark, so that they can be told apart with any colour vision.
AGAINST = (33, 102, 172)
FOR = (230, 97, 1)
OPACITY = 0.8


def overlay(image: Image.Image, scores: Float[np.ndarray, "g g"], *, limit: float) -> Image.Image:
    """`image` with signed patch scores over it, each patch one flat square.

    The centre square of the picture is shown, as the model's preprocessing crops it.

    Args:
        limit: the |score| of full colour; give one limit to all maps that are to be compared. Beyond it colours stay.
    """
    if not limit > 0:
        raise ValueError(f"The limit of a map is {limit}; it is a positive score.")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = np.asarray(image.convert("RGB").crop((left, top, left + side, top + side)), dtype=np.float32)
    strength = np.clip(np.nan_to_num(scores) / limit, -1, 1)
    place = np.arange(side) * scores.shape[0] // side
    strength = strength[np.ix_(place, place)][..., None]
    colour = np.where(strength < 0, np.array(AGAINST, np.float32), np.array(FOR, np.float32))
    opacity = OPACITY * np.abs(strength)
    return Image.fromarray(np.round(square * (1 - opacity) + colour * opacity).astype(np.uint8))
