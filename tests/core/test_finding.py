"""A dictionary that is asked: each answer worked out by hand, or by the change that it foretells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.codes import Codes
from core.component import Component
from core.finding import active_in, exemplar_means, moving, named_like, numbered
from core.index import index_of
from core.ripple import ReferenceSet

DEMO = Path(__file__).parents[2] / "data" / "demo"


def cards(*names: str) -> Any:
    return index_of([Component(at, name, 0.5 + at / 10, 1.0, 2.0) for at, name in enumerate(names)])


def test_a_word_is_found_in_names_exact_ones_first_then_by_fit() -> None:
    index = cards("a red boat", "boat", "cat", "Boat and others")
    assert named_like(index, {}, " BOAT ") == (1, 3, 0)


def test_a_given_name_is_searched_in_place_of_the_index_s() -> None:
    index = cards("boat", "cat")
    assert named_like(index, {0: "a sail"}, "boat") == ()
    assert named_like(index, {0: "a sail"}, "sail") == (0,)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("1", (1,)),
        (" #1 ", (1,)),
        ("01", (1,)),
        ("3", ()),
        ("-1", ()),
        ("1.0", ()),
        ("²", ()),
        ("#", ()),
        ("9" * 200, ()),
    ],
)
def test_a_component_is_found_by_its_number(word: str, found: tuple[int, ...]) -> None:
    assert numbered(cards("a red boat", "boat", "cat"), word) == found


def test_a_region_ranks_by_codes_there_in_multiples_of_p99() -> None:
    dense = torch.zeros(1, 4, 3)  # a class token and three patches
    dense[0, 0, 2] = 9.0  # at the class token, which lies in no region
    dense[0, 1, 0], dense[0, 2, 0], dense[0, 1, 1], dense[0, 3, 1] = 4.0, 1.0, 3.0, 50.0
    rows, components = dense[0].nonzero(as_tuple=True)
    codes = Codes.sorted(rows, components, dense[0][rows, components], (1, 4, 3))
    index = index_of([Component(at, "", 0.0, 1.0, p99) for at, p99 in enumerate((10.0, 1.0, 1.0))])
    assert active_in(codes, index, (0, 1)) == (1, 0)  # 3 / 1 before 5 / 10
    assert active_in(codes, index, (1,)) == (0,)
    assert active_in(codes, index, ()) == ()


def test_an_exemplars_mean_is_that_of_the_pictures_in_which_it_fires() -> None:
    dense = torch.zeros(3, 1, 2)
    dense[0, 0, 0], dense[2, 0, 0] = 1.0, 2.0
    rows, components = dense.view(3, 2).nonzero(as_tuple=True)
    codes = Codes.sorted(rows, components, dense.view(3, 2)[rows, components], (3, 1, 2))
    seen = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 5.0]])
    means = exemplar_means(ReferenceSet(seen[:, None], codes, seen, ("x",), (0, 0, 0), tuple("abc")))
    assert np.allclose(means, [[0.5, 0.5], [0.0, 0.0]])


@pytest.fixture(scope="module")
def demo(demo_bundle) -> Any:
    return demo_bundle("cls")


def test_what_moves_one_answer_to_another_does_so_on_the_mean_picture(demo: Any) -> None:
    found = moving(demo, demo.model, "star", "boat", top=5)
    x = demo.reference.activations.mean(dim=0, keepdim=True)
    boat, star = demo.model.labels.index("boat"), demo.model.labels.index("star")

    def margin(at: Any) -> float:
        logits = demo.model.logits(at)[0]
        return float(logits[boat] - logits[star])

    gains = [margin(x + 1e-3 * demo.index[each].p99 * demo.sae.dictionary[each]) - margin(x) for each in found]
    assert len(found) == 5 and min(gains) > 0
    assert gains == sorted(gains, reverse=True)
    assert set(found).isdisjoint(moving(demo, demo.model, "boat", "star", top=5))
