"""Net repair is a difference of two shares with the interval that Newcombe published for such differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from core.difference import difference, newcombe
from core.types import Rate
from core.worth import net_repair


def score_bounds(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's interval as scipy works it out, which shares no line with ours."""
    found = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    return found.low, found.high


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ((56, 70), (48, 80)),
        ((9, 10), (3, 10)),
        ((6, 7), (2, 7)),
        ((5, 56), (0, 29)),
        ((0, 10), (0, 20)),
        ((0, 10), (0, 10)),
        ((10, 10), (0, 20)),
        ((10, 10), (0, 10)),
        ((1, 3), (217, 300)),
    ],
)
def test_the_interval_is_newcombes(one: tuple[int, int], two: tuple[int, int]) -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, method 10: each end is as far as the ends of both shares tell."""
    (p, q), ((low, high), (floor, roof)) = (a / n for a, n in (one, two)), (score_bounds(*each) for each in (one, two))
    ends = (p - q - ((p - low) ** 2 + (roof - q) ** 2) ** 0.5, p - q + ((high - p) ** 2 + (q - floor) ** 2) ** 0.5)
    net = net_repair(Rate(*one), Rate(*two))
    assert net is not None
    assert (net.value, net.low, net.high) == pytest.approx((p - q, *ends), abs=5e-7)
    assert difference(Rate(*one), Rate(*two)) == pytest.approx((p - q, *ends), abs=5e-7)


def test_one_interval_is_worked_by_hand() -> None:
    """3 of 4 less 1 of 4 at z = 2, where z^2 / n is 1: Wilson's centre is (p + 1/2) / 2, his half sqrt(p q / 4 + 1/16).

    For 3/4: centre (0.75 + 0.5) / 2 = 0.625, half sqrt(0.109375) = 0.330719;
    for 1/4 centre 0.375 and the same half. The bounds are 0.294281, 0.955719 and 0.044281, 0.705719, their distances
    to the shares 0.455719 and 0.455719 below, 0.205719 and 0.205719 above: sqrt(2) of each about 0.5.
    """
    value, low, high = (float(each[0]) for each in newcombe(np.array([3]), 4, np.array([1]), 4, z=2.0))
    assert value == 0.5
    assert low == pytest.approx(0.5 - 2**0.5 * 0.455719, abs=1e-6)
    assert high == pytest.approx(0.5 + 2**0.5 * 0.205719, abs=1e-6)


def test_nothing_is_weighed_where_nothing_could_be_fixed_or_broken() -> None:
    assert net_repair(Rate(0, 0), Rate(1, 9)) is None
    assert net_repair(Rate(1, 9), Rate(0, 0)) is None


def test_as_much_harm_as_repair_is_nought_and_more_is_below() -> None:
    even, worse = net_repair(Rate(1, 10), Rate(10, 100)), net_repair(Rate(1, 10), Rate(30, 100))
    assert even is not None
    assert worse is not None
    assert even.value == 0
    assert worse.value == pytest.approx(-0.2)
