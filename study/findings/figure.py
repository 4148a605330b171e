"""One figure of a report: a value with its number, interval and participants, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from core.types import Rate

REPLICATES = 2000
SEED = 0
WILSON = "Wilson 95 %"
BOOTSTRAP = "bootstrap 95 %"

Unit = Literal["share", "difference", "steps", "seconds", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One participant's own value, and the row of their session where it can be looked at."""

    participant: str
    session: str
    seq: int
    value: float
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value over `n` things called `of`; where value or interval is None, `reason` says why.

    A share counts `hits` of `n`. `where` is the task, phase or tenth that it belongs to, "" for the whole study.
    """

    name: str
    where: str = ""
    unit: Unit
    n: int
    of: str
    hits: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    reason: str = ""
    total: int | None = None  # how often in all, where a thing can be done more than once
    points: tuple[Point, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question to a study: what was counted, in a sentence, and what came out."""

    key: str
    title: str
    counted: str
    figures: tuple[Figure, ...]

    def plain(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)

    def at(self, name: str, where: str = "") -> Figure:
        """The figure of that name."""
        return next(one for one in self.figures if (one.name, one.where) == (name, where))


def share(
    name: str,
    points: Sequence[Point],
    *,
    none: str,
    where: str = "",
    of: str = "participants",
    total: int | None = None,
) -> Figure:
    """The share of `points` whose value is not 0, with its Wilson interval; `none` is why there may be no points.

    The points must be independent of one another: at most one of each participant.
    """
    empty = Figure(name=name, where=where, unit="share", n=len(points), of=of, total=total, reason=none)
    if not points:
        return empty
    rate = Rate(sum(bool(point.value) for point in points), len(points))
    return replace(
        empty,
        hits=rate.hits,
        value=rate.value,
        low=rate.low,
        high=rate.high,
        interval=WILSON,
        reason="",
        points=tuple(points),
    )


def average(
    name: str,
    points: Sequence[Point],
    *,
    unit: Unit,
    none: str,
    where: str = "",
    of: str = "participants",
    middle: Literal["mean", "median"] = "mean",
) -> Figure:
    """The mean or median of `points`, with a percentile bootstrap over participants (Efron and Tibshirani 1993, 13.3).

    Participants are drawn with all their points, for those of one participant are not independent of one another.
    """
    empty = Figure(name=name, where=where, unit=unit, n=len(points), of=of, reason=none)
    if not points:
        return empty
    values = np.array([point.value for point in points])
    owners = np.unique([point.session for point in points], return_inverse=True)[1]
    people = int(owners.max()) + 1
    found = replace(
        empty,
        value=float(np.mean(values) if middle == "mean" else np.median(values)),
        reason="one participant has no spread",
        points=tuple(points),
    )
    if people == 1:
        return found
    low, high = np.quantile(_resampled(values, owners, people, middle), (0.025, 0.975))
    return replace(found, low=float(low), high=float(high), interval=BOOTSTRAP, reason="")


def _resampled(values: np.ndarray, owners: np.ndarray, people: int, middle: str) -> np.ndarray:
    """The statistic of each replicate: `people` participants drawn with replacement."""
    order = np.argsort(values, kind="stable")
    values, owners = values[order], owners[order]
    random, at_once = np.random.default_rng(SEED), max(1, 4_000_000 // len(values))
    found: list[np.ndarray] = []
    for start in range(0, REPLICATES, at_once):
        size = min(at_once, REPLICATES - start)
        times = random.multinomial(people, np.full(people, 1 / people), size=size)[:, owners]
        if middle == "mean":
            found.append(times @ values / times.sum(axis=1))
            continue
        upto = times.cumsum(axis=1)
        drawn = upto[:, -1:]
        # the two middle values of the multiset, which are one where it has an odd number
        lower, upper = ((upto > half).argmax(axis=1) for half in ((drawn - 1) // 2, drawn // 2))
        found.append((values[lower] + values[upper]) / 2)
    return np.concatenate(found)
