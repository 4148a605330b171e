"""The difference of two shares of different pictures, with the interval that Newcombe gives it."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int

from core.types import Rate


def newcombe(
    one: Int[np.ndarray, " k"], n: int, two: Int[np.ndarray, " k"], m: int, z: float = 1.959964
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """one/n - two/m and the ends of its interval, from the Wilson intervals of both shares.

    Newcombe 1998 (Statistics in Medicine 17:873, method 10): the distances to the two Wilson bounds, squared and added.
    """
    (p, lower, upper), (q, floor, roof) = _wilson(np.asarray(one), n, z), _wilson(np.asarray(two), m, z)
    low = p - q - np.sqrt((p - lower) ** 2 + (roof - q) ** 2)
    return p - q, low, p - q + np.sqrt((upper - p) ** 2 + (q - floor) ** 2)


def difference(one: Rate, two: Rate) -> tuple[float, float, float]:
    """The first share less the second and its 95 % interval, by `newcombe`; NaN where either is of nothing."""
    if not one.trials or not two.trials:
        return math.nan, math.nan, math.nan
    value, low, high = newcombe(np.array([one.hits]), one.trials, np.array([two.hits]), two.trials)
    return float(value[0]), float(low[0]), float(high[0])


def _wilson(hits: np.ndarray, trials: int, z: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    return share, np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
