"""Balanced Latin squares, against the vector of the design and the two properties that make them balanced."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from study.squares import square


def test_the_square_of_four_is_the_published_one() -> None:
    assert ["".join(map(str, row)) for row in square(4)] == ["0132", "1203", "2310", "3021"]


def test_two_things_have_the_orders_ab_and_ba() -> None:
    assert square(2) == ((0, 1), (1, 0))
    assert square(1) == ((0,),)


@pytest.mark.parametrize("size", range(1, 9))
def test_each_thing_stands_equally_often_in_each_place_and_behind_each_other(size: int) -> None:
    rows = square(size)
    times = 1 if size % 2 == 0 or size == 1 else 2
    assert len(rows) == times * size
    assert all(sorted(row) == list(range(size)) for row in rows)
    for place in range(size):
        assert Counter(row[place] for row in rows) == dict.fromkeys(range(size), times)
    after = Counter(pair for row in rows for pair in pairwise(row))
    pairs = [(one, two) for one in range(size) for two in range(size) if one != two]
    assert after == dict.fromkeys(pairs, times)


def test_no_square_orders_nothing() -> None:
    with pytest.raises(ValueError, match="at least one thing"):
        square(0)
