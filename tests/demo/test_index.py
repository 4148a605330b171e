"""What is known of a component, against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch

from core.codes import Codes
from core.demo.cards import areas, component_statistics, concept_name, peaks, write_index
from core.demo.relations import histogram_of, monosemanticity, relations_of
from core.index import read_index

NAMES = ("a.webp", "b.webp", "c.webp", "d.webp")


def toy() -> Codes:
    """Four pictures of three tokens (class token first), three components; component 2 never fires."""
    dense = torch.zeros(4, 3, 3)
    dense[0, 0, 0], dense[0, 2, 0] = 1.0, 4.0  # a: class token 1, a patch 4
    dense[1, 1, 0] = 2.0  # b
    dense[3, 0, 0] = 3.0  # d
    dense[2, 1, 1] = 5.0  # c, component 1
    rows, components = dense.view(12, 3).nonzero(as_tuple=True)
    return Codes.sorted(rows, components, dense.view(12, 3)[rows, components], (4, 3, 3))


def test_a_picture_s_strength_is_its_greatest_code():
    assert peaks(toy()).tolist() == [[4, 0, 0], [2, 0, 0], [0, 5, 0], [3, 0, 0]]


def test_statistics_of_a_toy_dictionary():
    cards = component_statistics(toy(), NAMES, concepts={"object:boat": [True, False, False, True]})
    one = cards[0]
    assert one.density == 0.75
    assert one.p99 == pytest.approx(np.quantile([1, 2, 3, 4], 0.99))  # 3.97
    assert one.p99_class == pytest.approx(2.98)  # of 1 and 3: 1 + 0.99 * 2
    assert one.p99_patch == pytest.approx(3.98)  # of 2 and 4
    assert one.exemplars_top == ("a.webp", "d.webp", "b.webp")
    # strengths 4, 2, 0, 3; the concept is in the pictures of 4 and 3: every such pair is ordered rightly
    assert (one.auc, one.follows, one.label) == (1.0, "object:boat", "object: boat")


def test_a_component_that_never_fires_is_marked():
    dead = component_statistics(toy(), NAMES)[2]
    assert dead.density == 0 and dead.label == "never active" and dead.exemplars_top == ()
    assert all(math.isnan(value) for value in (dead.p99, dead.p99_class, dead.p99_patch))


def test_a_name_says_where_most_top_pictures_do_not_show_it():
    strengths = torch.arange(40, 0, -1).float()
    codes = Codes.sorted(torch.arange(40), torch.zeros(40, dtype=torch.long), strengths, (40, 1, 1))
    names = [f"{place:02d}" for place in range(40)]

    def label(*where: int, other: tuple[int, ...] = ()) -> str:
        concepts = {"word:key": [place in where for place in range(40)]}
        if other:
            concepts["word"] = [place in other for place in range(40)]
        return component_statistics(codes, names, concepts=concepts)[0].label

    assert label(0, 1, 2, 3, 9) == "printed word “key” and others"  # 4 of the top 9
    assert label(0, 1, 2, 3, 4) == "printed word “key”"  # 5 of the top 9
    # a concept that the top pictures show comes before one of greater area that they do not
    assert label(0, 1, 2, 3, 9, other=tuple(range(15))) == "a printed word"
    assert label(0, 1, 2, 9, 10, other=(0, 1, 2, 3, 4, 39)) == "a printed word"
    assert label(20, 30) == "unclear"


def test_areas_count_ties_half():
    strengths = np.array([[3.0], [1.0], [1.0], [0.0]])
    curves, order = areas(strengths, {"badge": [True, True, False, False], "everywhere": [True] * 4})
    # pairs: 3>1, 3>0, 1=1 (half), 1>0 -> 3.5 of 4; a concept in every picture says nothing
    assert order == ("badge",)
    assert curves.tolist() == [[0.875]]


def test_no_picture_is_shown_twice_and_bands_descend():
    strength = torch.arange(40, 0, -1).float()
    codes = Codes.sorted(torch.arange(40), torch.zeros(40, dtype=torch.long), strength, (40, 1, 1))
    (card,) = component_statistics(codes, [f"{place:02d}" for place in range(40)])
    assert card.exemplars_top == tuple(f"{place:02d}" for place in range(9))
    assert card.exemplars_low == tuple(f"{place:02d}" for place in range(34, 40))
    assert card.exemplars_middle == ("18", "19", "20", "21", "22", "23")


def test_cards_survive_their_file(tmp_path):
    cards = component_statistics(toy(), NAMES, concepts={"badge": [True, False, False, True]})
    write_index(cards, tmp_path / "index.json")
    assert repr(tuple(read_index(tmp_path / "index.json"))) == repr(tuple(_rounded(card) for card in cards))


def test_relations_survive_the_file_too(tmp_path):
    rows = torch.tensor([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]])
    relations = relations_of(peaks(toy()), torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [3.0, 0.0]]), rows)
    (card, _, dead) = component_statistics(toy(), NAMES, relations=relations)
    write_index((card, _, dead), tmp_path / "index.json")
    read = read_index(tmp_path / "index.json")
    assert read[0].neighbours == ((1, pytest.approx(0.6)), (2, -1.0))
    assert read[0].histogram_patches == card.histogram_patches and sum(card.histogram_patches) == 2
    assert (card.density_class, card.density_patches, card.density_tokens) == (0.5, 0.25, 4 / 12)
    assert card.clarity == pytest.approx(1 / 3)  # of a, b and d one pair of three is alike
    assert math.isnan(dead.clarity)


def test_histograms_have_two_bins_to_a_doubling():
    counts = histogram_of(np.array([1.0, 1.4, 1.5, 2.0, 0.0], np.float32))
    assert (counts[24], counts[25], counts[26], len(counts)) == (2, 1, 1, 27)


def test_monosemanticity_is_the_mean_over_weighted_pairs():
    strengths = np.array([[2.0], [1.0], [0.0]])
    unit = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    # a = 1, 0.5, 0: one pair of weight 0.5 with cosine 0.6
    assert monosemanticity(strengths, unit) == pytest.approx([0.6])


def _rounded(card):
    from dataclasses import fields, replace

    short = {
        field.name: float(f"{value:.6g}")
        for field in fields(card)
        if isinstance(value := getattr(card, field.name), float)
    }
    return replace(card, **short)


def test_concepts_have_names_for_people():
    assert concept_name("word:boat") == "printed word “boat”"
    assert concept_name("scene:sea") == "scene: sea"
    assert concept_name("badge") == "corner badge"
