"""Net repair is a difference of two shares with the interval that Newcombe published for such differences."""

from __future__ import annotations

import pytest

from core.types import Rate
from core.worth import net_repair


# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10
@pytest.mark.parametrize(
    ("one", "two", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_the_interval_is_newcombes(one: tuple[int, int], two: tuple[int, int], low: float, high: float) -> None:
    net = net_repair(Rate(*one), Rate(*two))
    assert net is not None
    assert net.value == pytest.approx(one[0] / one[1] - two[0] / two[1])
    assert net.low == pytest.approx(low, abs=5e-5)
    assert net.high == pytest.approx(high, abs=5e-5)


def test_nothing_is_weighed_where_nothing_could_be_fixed_or_broken() -> None:
    assert net_repair(Rate(0, 0), Rate(1, 9)) is None
    assert net_repair(Rate(1, 9), Rate(0, 0)) is None


def test_as_much_harm_as_repair_is_nought_and_more_is_below() -> None:
    even, worse = net_repair(Rate(1, 10), Rate(10, 100)), net_repair(Rate(1, 10), Rate(30, 100))
    assert even is not None
    assert worse is not None
    assert even.value == 0
    assert worse.value == pytest.approx(-0.2)
