"""In how many pictures of each class a component fires, counted by hand."""

from __future__ import annotations

import pytest
import torch

from core.codes import Codes
from core.profile import class_profile
from core.ripple import ReferenceSet
from core.types import TillerError


def reference() -> ReferenceSet:
    """Five pictures of two tokens; component 0 fires twice in the first, below 0 in the third, and in the last."""
    dense = torch.zeros(5, 2, 2)
    dense[0, 0, 0], dense[0, 1, 0], dense[2, 1, 0], dense[4, 1, 0] = 1.0, 2.0, -1.0, 3.0
    rows, components = dense.view(10, 2).nonzero(as_tuple=True)
    codes = Codes.sorted(rows, components, dense.view(10, 2)[rows, components], (5, 2, 2))
    none = torch.zeros(5, 2, 4)
    return ReferenceSet(none, codes, none[:, 0], ("apple", "boat", "cup"), (0, 0, 1, 1, 1), tuple("abcde"))


def test_a_picture_counts_once_and_classes_without_pictures_are_left_out() -> None:
    shares = [(one.label, one.fires, one.images) for one in class_profile(reference(), 0)]
    assert shares == [("apple", 1, 2), ("boat", 1, 3)]


def test_where_it_never_fires_classes_of_more_pictures_come_first() -> None:
    assert [(one.label, one.share) for one in class_profile(reference(), 1)] == [("boat", 0), ("apple", 0)]


def test_a_component_that_is_not_there_is_refused() -> None:
    with pytest.raises(TillerError, match="0 to 1"):
        class_profile(reference(), 2)
