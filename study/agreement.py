"""How far coders agree on given units: observed agreement, Cohen's kappa and Krippendorff's alpha, with intervals.

A unit's rating is one value from each coder, or none. All figures are sums over units, so a bootstrap over
participants only weighs each participant's share of the sums anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REPLICATES = 2000
SEED = 20261121
_LOW, _HIGH = 2.5, 97.5  # percentiles

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

NO_PAIR = "no unit was coded by two coders"
ONE_VALUE = "every coding is the same, so agreement by chance is certain"
NOT_TWO = "kappa is of exactly two coders"
ONE_PERSON = "one participant: nothing to draw anew"
NEVER = "undefined in every replicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One statistic with its 95 % interval; what is undefined is None, with the reason."""

    value: float | None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    why_no_interval: str = ""
    undefined: int = 0  # replicates in which it had no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What coders' ratings of the same units come to."""

    units: int  # rated by two coders or more: the only ones that count
    participants: int  # whose units these are
    observed: Figure
    kappa: Figure
    alpha: Figure


@dataclass(frozen=True, slots=True)
class Ratings:
    """Values as numbers, one row a unit and one column a coder, -1 where a coder gave none."""

    values: Whole
    people: Whole  # the participant of each unit, as a number from 0

    @classmethod
    def of(cls, rows: Iterable[Sequence[Hashable | None]], people: Iterable[Hashable]) -> Ratings:
        """Ratings from values of any kind, None where a coder gave none; only equal or not equal counts."""
        known: dict[Hashable, int] = {}
        met: dict[Hashable, int] = {}
        values = [[-1 if one is None else known.setdefault(one, len(known)) for one in row] for row in rows]
        numbered = [met.setdefault(person, len(met)) for person in people]
        if len(values) != len(numbered):
            raise ValueError(f"{len(values)} units were rated, and {len(numbered)} have a participant.")
        width = len(values[0]) if values else 0
        return cls(np.array(values, np.int64).reshape(len(values), width), np.array(numbered, np.int64))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Each participant's share of what the figures are made of; axis 0 is the participant."""

    agreeing: Numbers  # pairs of coders that gave a unit the same value
    pairs: Numbers
    held: Numbers  # [participant value]: how often each value was given
    within: Numbers  # [participant]: the coincidence matrix's diagonal, summed
    sides: tuple[Numbers, Numbers] | None  # [participant value] of either coder, where there are two

    def weighed(self, weights: Numbers) -> _Sums:
        """Sums over participants, each as often as its weight says; axis 0 is then the draw."""
        sides = None if self.sides is None else (weights @ self.sides[0], weights @ self.sides[1])
        return _Sums(weights @ self.agreeing, weights @ self.pairs, weights @ self.held, weights @ self.within, sides)


def agreement(ratings: Ratings, *, seed: int = SEED, replicates: int = REPLICATES) -> Agreement:
    """Agreement on `ratings`, with percentile intervals from a bootstrap over participants.

    Participants are drawn, not units: units of one participant hang together. The same seed draws the same.
    """
    sums, units, people = _sums(ratings)
    draws = np.random.default_rng(seed).multinomial(people, [1 / people] * people, replicates) if people > 1 else None
    weights = None if draws is None else draws.astype(np.float64)
    whole = sums.weighed(np.ones((1, people)))
    again = None if weights is None else sums.weighed(weights)
    observed = _figure(_observed(whole), None if again is None else _observed(again), NO_PAIR)
    if sums.sides is None:
        kappa = Figure(value=None, reason=NOT_TWO)
    else:
        kappa = _figure(_kappa(whole), None if again is None else _kappa(again), ONE_VALUE if units else NO_PAIR)
    alpha = _figure(_alpha(whole), None if again is None else _alpha(again), ONE_VALUE if units else NO_PAIR)
    return Agreement(units=units, participants=people, observed=observed, kappa=kappa, alpha=alpha)


def _sums(ratings: Ratings) -> tuple[_Sums, int, int]:
    rated = (ratings.values >= 0).sum(1)
    values, people = ratings.values[rated >= 2], ratings.people[rated >= 2]
    names, people = np.unique(people, return_inverse=True)
    kinds, width = int(values.max(initial=-1)) + 1, values.shape[1]
    counts = np.stack([(values == kind).sum(1) for kind in range(kinds)], 1) if kinds else np.zeros((0, 1))
    counts = counts.astype(np.float64)
    each = counts.sum(1)
    same = (counts * (counts - 1)).sum(1)

    def by_person(shares: Numbers) -> Numbers:
        total = np.zeros((len(names), *shares.shape[1:]))
        np.add.at(total, people, shares)
        return total

    sides = None
    if width == 2:
        first, second = ((values[:, [side]] == np.arange(max(kinds, 1))).astype(np.float64) for side in (0, 1))
        sides = by_person(first), by_person(second)
    within = same / np.maximum(each - 1, 1)
    pairs = by_person(each * (each - 1) / 2)
    return _Sums(by_person(same / 2), pairs, by_person(counts), by_person(within), sides), len(values), len(names)


def _observed(sums: _Sums) -> Numbers:
    """The share of pairs of codings of one unit that are equal."""
    return _ratio(sums.agreeing, sums.pairs)


def _kappa(sums: _Sums) -> Numbers:
    """Cohen (1960): (observed - expected) / (1 - expected), expected from either coder's own shares."""
    first, second = sums.sides or (sums.held, sums.held)
    n = sums.pairs  # of two coders: one pair a unit
    by_chance = (first * second).sum(1)  # n times n times the expected share: whole numbers, so that 1 is exact
    return _ratio(n * sums.agreeing - by_chance, n * n - by_chance)


def _alpha(sums: _Sums) -> Numbers:
    """Krippendorff's nominal alpha from the coincidence matrix: 1 - disagreement observed over expected."""
    n = sums.held.sum(1)
    expected = n * n - (sums.held * sums.held).sum(1)  # n (n - 1) times the expected disagreement
    seen = (n - sums.within) * (n - 1)
    return 1.0 - _ratio(seen, expected)


def _ratio(over: Numbers, under: Numbers) -> Numbers:
    """NaN where there is nothing to divide by."""
    return np.divide(over, under, out=np.full_like(under, np.nan), where=under != 0)


def _figure(whole: Numbers, again: Numbers | None, reason: str) -> Figure:
    value = float(whole[0])
    if np.isnan(value):
        return Figure(value=None, reason=reason, why_no_interval=reason)
    if again is None:
        return Figure(value=value, why_no_interval=ONE_PERSON)
    there = again[~np.isnan(again)]
    undefined = len(again) - len(there)
    if not len(there):
        return Figure(value=value, why_no_interval=NEVER, undefined=undefined)
    low, high = np.percentile(there, [_LOW, _HIGH])
    return Figure(value=value, low=float(low), high=float(high), undefined=undefined)
