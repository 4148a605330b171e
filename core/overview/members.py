"""What each component is worth over a group of pictures: its mean attribution, and how often it fires there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import norm, rankdata

from core.difference import newcombe
from core.faithfulness import Interval
from core.overview.shares import Shares
from core.types import Rate

DRAWS = 1000
DRAWN_AT_ONCE = 100  # bootstrap draws whose counts are held at a time
SHOWN = 6  # pictures beside a component
TELLS = 0.65  # from here on, at the lower end of its interval, a component tells pictures of a class from others
FALSE_CALLS = 3  # pictures falsely called a class from which on they are held against a component


@dataclass(frozen=True, slots=True)
class Member:
    """One component over a group of pictures and over those outside of it.

    `mean` is its mean attribution to the group's margins, 0 where it is silent, and `contrast` that mean less the mean
    over the pictures outside, each with a bootstrap interval over pictures. `active` and `elsewhere` are shares of
    pictures in which it fires, `reach` the share of the tokens that it fires on where it does. `told` is the chance
    that it is stronger in a picture that shows the class than in one that does not, `held` the chance that it is
    stronger in a picture rightly called the class than in one falsely called so; NaN where there is no class or no
    such picture. `places` are the pictures of the group to which it gives most.
    """

    component: int
    mean: Interval
    contrast: Interval
    active: Rate
    elsewhere: Rate
    told: Interval
    held: Interval
    reach: float
    places: tuple[int, ...]


def members(
    shares: Shares,
    inside: Bool[np.ndarray, " n"],
    outside: Bool[np.ndarray, " n"],
    signs: Float[np.ndarray, " n"],
    components: Sequence[int],
    seed: int,
    *,
    shown: int | None = None,
) -> tuple[Member, ...]:
    """Each of `components` over the pictures `inside` a group and `outside` of it.

    Args:
        signs: 1 where a picture's margin counts as it is, -1 where it counts turned round.
        shown: the class that `told` and `held` are about.
    """
    chosen = np.asarray(components, dtype=int)
    if not len(chosen) or not inside.any():
        return ()
    near, far = np.flatnonzero(inside), np.flatnonzero(outside)
    ours, others = (signs[some, None] * shares.scores[some][:, chosen].toarray() for some in (near, far))
    strength = shares.strengths[:, chosen].toarray()
    strong, faint = strength[near], strength[far]
    reach = shares.reach[near][:, chosen].toarray()
    called = shares.said == shown
    draw = np.random.default_rng(seed)
    means, rest = _drawn_means(ours, draw), _drawn_means(others, draw)
    found = []
    for place, component in enumerate(chosen.tolist()):
        mine, fires = ours[:, place], strong[:, place] != 0
        best = np.argsort(-mine, kind="stable")[:SHOWN]
        apart = math.nan if not len(far) else float(others[:, place].mean())
        found.append(
            Member(
                component=component,
                mean=_spread(float(mine.mean()), means[:, place]),
                contrast=_spread(float(mine.mean()) - apart, means[:, place] - rest[:, place]),
                active=Rate(int(fires.sum()), len(near)),
                elsewhere=Rate(int((faint[:, place] != 0).sum()), len(far)),
                told=_apart_by(strength[:, place], shares.truth == shown, shares.truth != shown, shown),
                held=_apart_by(strength[:, place], called & ~shares.wrong, called & shares.wrong, shown),
                reach=float(reach[fires, place].mean()) if fires.any() else math.nan,
                places=tuple(int(near[each]) for each in best if mine[each] > 0),
            )
        )
    return tuple(found)


def is_attribute(member: Member, false_calls: int) -> bool:
    """Whether a component counts as an attribute of the class it was looked at for; what does not is its context.

    It tells pictures that show the class from others (`told`, at the lower end of its interval), and where there are
    false calls it is not stronger in them than where the class is really shown.
    """
    misleads = false_calls >= FALSE_CALLS and member.held.value < 0.5
    return member.told.low >= TELLS and not misleads


def mean_scores(shares: Shares, inside: Bool[np.ndarray, " n"], signs: Float[np.ndarray, " n"]) -> np.ndarray:
    """Mean attribution of every component over a group; one number for each component of the dictionary."""
    weights = np.where(inside, signs, 0.0) / max(1, int(inside.sum()))
    return np.asarray(weights @ shares.scores).ravel()


def strongest(means: Float[np.ndarray, " k"], count: int) -> list[int]:
    """The components of greatest mean above 0, at most `count`; the lower number first on a tie."""
    order = np.argsort(-means, kind="stable")[:count]
    return [int(each) for each in order if means[each] > 0]


def told_apart(inside: Float[np.ndarray, " n"], outside: Float[np.ndarray, " m"]) -> Interval:
    """The chance that a component is stronger in a picture of the group than in another: the area under its ROC curve.

    The interval is that of Hanley and McNeil (1982). 0.5 tells nothing.
    """
    n, m = len(inside), len(outside)
    if not n or not m:
        return Interval(math.nan, 0.0, 1.0)
    ranks = rankdata(np.concatenate([inside, outside]))
    area = float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    square = (area * (1 - area) + (n - 1) * (one - area**2) + (m - 1) * (two - area**2)) / (n * m)
    half = 1.959964 * math.sqrt(max(0.0, square))
    return Interval(area, max(0.0, area - half), min(1.0, area + half))


def _apart_by(
    strength: Float[np.ndarray, " n"], one: Bool[np.ndarray, " n"], two: Bool[np.ndarray, " n"], shown: int | None
) -> Interval:
    return told_apart(strength[one], strength[two]) if shown is not None else Interval(math.nan, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Over:
    """A component that fires in more pictures of a group than of the others; `more` is the difference of the shares."""

    component: int
    active: Rate
    elsewhere: Rate
    more: Interval


def over_represented(
    shares: Shares, inside: Bool[np.ndarray, " n"], outside: Bool[np.ndarray, " n"], count: int
) -> tuple[tuple[Over, ...], int]:
    """Components that fire more often in a group than elsewhere, the surest first, and how many were compared.

    The intervals are Newcombe's for a difference of shares, widened by Bonferroni for all that were compared.
    """
    near, far = (fires(shares, some) for some in (inside, outside))
    met = np.flatnonzero(near)
    n, m = int(inside.sum()), int(outside.sum())
    if not len(met) or not m:
        return (), len(met)
    z = float(norm.isf(0.025 / len(met)))
    value, low, high = newcombe(near[met], n, far[met], m, z)
    order = np.argsort(-low, kind="stable")[:count]
    return tuple(
        Over(
            int(met[each]),
            Rate(int(near[met[each]]), n),
            Rate(int(far[met[each]]), m),
            Interval(float(value[each]), float(low[each]), float(high[each])),
        )
        for each in order
        if low[each] > 0
    ), len(met)


def fires(shares: Shares, some: Bool[np.ndarray, " n"]) -> np.ndarray:
    """In how many of `some` pictures each component fires."""
    picked = shares.strengths[np.flatnonzero(some)]
    return np.bincount(picked.indices[picked.data != 0], minlength=shares.size)


def _drawn_means(values: Float[np.ndarray, "n k"], draw: np.random.Generator) -> Float[np.ndarray, "draws k"]:
    count = len(values)
    if not count:
        return np.full((DRAWS, values.shape[1]), np.nan)
    even = np.full(count, 1 / count)
    return np.concatenate(
        [draw.multinomial(count, even, size=DRAWN_AT_ONCE) @ values / count for _ in range(DRAWS // DRAWN_AT_ONCE)]
    )


def _spread(value: float, draws: Float[np.ndarray, " draws"]) -> Interval:
    if math.isnan(value):
        return Interval(math.nan, math.nan, math.nan)
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(value, float(low), float(high))
