"""Maps: one scale, blue against, orange for, the picture itself where a patch is silent."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.heatmap import AGAINST, FOR, overlay

GREY = Image.new("RGB", (40, 40), (100, 100, 100))


def blended(colour, strength):
    return tuple(round(100 * (1 - 0.8 * strength) + part * 0.8 * strength) for part in colour)


def test_a_patch_is_coloured_by_sign_and_size():
    shown = overlay(GREY, np.array([[1.0, -1.0], [0.5, 0.0]]), limit=1.0)
    assert shown.size == (40, 40)
    assert shown.getpixel((5, 5)) == blended(FOR, 1.0)
    assert shown.getpixel((35, 5)) == blended(AGAINST, 1.0)
    assert shown.getpixel((5, 35)) == blended(FOR, 0.5)
    assert shown.getpixel((35, 35)) == (100, 100, 100)


def test_patches_are_flat_squares_with_sharp_edges():
    shown = np.asarray(overlay(GREY, np.array([[1.0, 0.0], [0.0, 0.0]]), limit=1.0))
    assert (shown[:20, :20] == shown[0, 0]).all()
    assert (shown[20:] == 100).all()
    assert (shown[:, 20:] == 100).all()


def test_beyond_the_limit_colours_stay():
    one, two = (overlay(GREY, np.array([[size]]), limit=1.0) for size in (1.0, 9.0))
    assert np.array_equal(np.asarray(one), np.asarray(two))


def test_a_long_picture_is_cropped_to_its_centre_as_the_model_sees_it():
    wide = Image.new("RGB", (60, 20), (0, 0, 0))
    wide.paste((255, 255, 255), (20, 0, 40, 20))
    shown = overlay(wide, np.zeros((2, 2)), limit=1.0)
    assert shown.size == (20, 20)
    assert (np.asarray(shown) == 255).all()


def test_a_limit_is_positive():
    with pytest.raises(ValueError, match="positive"):
        overlay(GREY, np.zeros((2, 2)), limit=0.0)


def test_the_two_ends_are_told_apart_by_every_eye():
    """Under each dichromacy (Vienot, Brettel and Mollon 1999, in linear RGB) the ends stay far apart."""
    to_linear = lambda colour: (np.array(colour) / 255) ** 2.2  # noqa: E731
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    for seen in (np.eye(3), protan, deutan):
        one, two = ((np.clip(seen @ to_linear(colour), 0, 1)) ** (1 / 2.2) for colour in (AGAINST, FOR))
        assert np.linalg.norm(one - two) > 0.4
