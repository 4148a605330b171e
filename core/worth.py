"""One number that weighs what a plan repairs against what it harms, so that it can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

from core.difference import difference
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
    """`fixed` less `broken`, with the 95 % interval of `core.difference`; None if either is of nothing."""
    if not fixed.trials or not broken.trials:
        return None
    value, low, high = difference(fixed, broken)
    return Net(value, max(-1.0, low), min(1.0, high))
