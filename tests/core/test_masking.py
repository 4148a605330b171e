"""Masking patches: against a loop that paints one patch at a time and asks the whole open_clip model."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.masking import at_once, masked, masked_logits


@pytest.mark.parametrize("block", [0, 2])
def test_each_patch_s_logits_are_those_of_a_whole_pass_over_the_picture_with_that_patch_painted(
    make_clip, pixels, block, monkeypatch
):
    monkeypatch.setattr("core.masking.PRODUCTS_AT_ONCE", 3 * 12 * 17 * 3 * 32**2)  # three pictures in a piece
    model, picture = make_clip(block=block), pixels[:1]
    pieces = list(masked_logits(model, picture, range(16)))
    assert [len(piece) for piece in pieces] == [3, 3, 3, 3, 3, 1]
    painted = []
    for patch in range(16):
        alone = picture.clone()
        for colour in range(3):
            mean = sum(picture[0, colour].flatten().tolist()) / 32**2
            for row in range(8):
                for column in range(8):
                    alone[0, colour, patch // 4 * 8 + row, patch % 4 * 8 + column] = mean
        with torch.no_grad():
            embedded = functional.normalize(model.network.encode_image(alone), dim=-1)
            painted.append(model.network.logit_scale.exp() * embedded @ model.text.T)
    assert torch.allclose(torch.cat(pieces), torch.cat(painted), atol=1e-4)


def test_a_picture_of_one_colour_is_left_as_it_is_by_masking(tiny_model):
    plain = torch.full((1, 3, 32, 32), 0.7)
    assert torch.allclose(masked(tiny_model, plain, range(16)), plain.expand(16, -1, -1, -1), atol=1e-6)


def test_nothing_but_the_patch_changes_and_the_picture_itself_never_does(tiny_model, pixels):
    kept = pixels[:1].clone()
    (shown,) = masked(tiny_model, pixels[:1], [6])
    changed = (shown != kept[0]).any(dim=0)
    assert changed[8:16, 16:24].any()
    changed[8:16, 16:24] = False
    assert not changed.any()
    assert (pixels[:1] == kept).all()


def test_a_piece_is_never_empty_and_small_models_take_many(tiny_model, monkeypatch):
    assert at_once(tiny_model) > 16
    monkeypatch.setattr("core.masking.PRODUCTS_AT_ONCE", 1.0)
    assert at_once(tiny_model) == 1
