"""One number that weighs what a plan repairs against what it harms, so that it can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.types import Rate


@dataclass(frozen=True, slots=True)
class Net:
    """The share of failures that a plan fixes less the share of right pictures that it breaks, from -1 to 1.

    0 is no edit at all, or as large a share broken as fixed. Shares, not counts: failures like one picture are few and
    right pictures many, so one broken picture in 300 weighs less than one fixed in 12.
    """

    value: float
    low: float
    high: float


def net_repair(fixed: Rate, broken: Rate) -> Net | None:
    """`fixed` less `broken`, with the 95 % interval of two shares of different pictures; None if either is of nothing.

    Newcombe 1998 (Statistics in Medicine 17:873, method 10): the distances to the two Wilson bounds, squared and added.
    """
    if not fixed.trials or not broken.trials:
        return None
    value = fixed.value - broken.value
    low = math.hypot(fixed.value - fixed.low, broken.high - broken.value)
    high = math.hypot(fixed.high - fixed.value, broken.value - broken.low)
    return Net(value, max(-1.0, value - low), min(1.0, value + high))
