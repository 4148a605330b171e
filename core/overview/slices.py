"""Failures grouped by what pushes the model to them; the groups come from attributions alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array, diags_array
from scipy.spatial.distance import squareform

from core.overview.members import fires
from core.overview.shares import Progress, Shares

CUTS = tuple(round(0.3 + 0.05 * each, 2) for each in range(13))  # cosine distances, 0.3 to 0.9
STABLE = 0.95  # mean adjusted Rand index from which a cut counts as stable
RESAMPLES, KEPT = 40, 0.8  # how often the failures are drawn anew, and what share of them each time
MOST = 2000  # failures grouped; the distances of more would fill the memory


@dataclass(frozen=True, slots=True)
class Slicing:
    """Groups of failing pictures, the largest first; `alone` are those that are like no other.

    `cut` is the cosine distance up to which groups were joined and `stability` the mean adjusted Rand index of the
    groups with those found in `RESAMPLES` draws of the failures; `tried` holds each cut with its own. Where no cut is
    stable there are no groups. `left_out` counts failures beyond `MOST`.
    """

    groups: tuple[tuple[int, ...], ...]
    alone: tuple[int, ...]
    cut: float
    stability: float
    tried: tuple[tuple[float, float], ...]
    left_out: int = 0


def slice_failures(shares: Shares, *, seed: int = 0, progress: Progress = lambda stage, done, of: None) -> Slicing:
    """Group the failing pictures by what pushes each to its mistake.

    A picture is the vector of its attributions above 0, each times ln(1 / share of all pictures in which the component
    fires): what fires everywhere tells no two failures apart. Groups are joined by average cosine distance (UPGMA), up
    to the highest cut whose groups come again when a fifth of the failures is left out.
    """
    failing = np.flatnonzero(shares.wrong)
    left_out = max(0, len(failing) - MOST)
    if left_out:
        failing = np.sort(np.random.default_rng(seed).choice(failing, MOST, replace=False))
    if len(failing) < 3:
        return Slicing((), tuple(failing.tolist()), math.nan, math.nan, (), left_out)
    apart = distances(pushes(shares, failing))
    joined = _tree(apart)
    draw = np.random.default_rng(seed)
    some = [
        np.sort(draw.choice(len(failing), max(2, round(KEPT * len(failing))), replace=False)) for _ in range(RESAMPLES)
    ]
    trees = []
    for done, each in enumerate(some, 1):
        trees.append(_tree(apart[np.ix_(each, each)]))
        progress("grouping failures", done, RESAMPLES)
    tried = []
    for cut in CUTS:
        whole = fcluster(joined, cut, "distance")
        again = [fcluster(tree, cut, "distance") for tree in trees]
        alike = [rand_index(whole[each], found) for each, found in zip(some, again, strict=True)]
        tried.append((cut, float(np.mean(alike))))
    stable = [(cut, value) for cut, value in tried if value >= STABLE]
    if not stable:
        return Slicing((), tuple(failing.tolist()), math.nan, max(value for _, value in tried), tuple(tried), left_out)
    cut, stability = stable[-1]
    found = fcluster(joined, cut, "distance")
    groups = [tuple(failing[found == each].tolist()) for each in np.unique(found)]
    several = sorted((each for each in groups if len(each) > 1), key=lambda each: (-len(each), each))
    alone = tuple(sorted(each[0] for each in groups if len(each) == 1))
    return Slicing(tuple(several), alone, cut, stability, tuple(tried), left_out)


def pushes(shares: Shares, failing: Int[np.ndarray, " f"]) -> csr_array:
    """What pushes each failing picture to its mistake, rare components weighing more; rows have length 1, or 0."""
    every = np.ones(len(shares.said), bool)
    rarity = np.log(len(every) / np.maximum(fires(shares, every), 1))
    found = (shares.scores[failing].maximum(0) @ diags_array(rarity)).tocsr()
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    return (diags_array(1 / np.where(lengths > 0, lengths, 1.0)) @ found).tocsr()


def distances(rows: csr_array) -> Float[np.ndarray, "f f"]:
    """Cosine distances, from 0 to 1; a row without anything is 1 from every other."""
    found = np.clip(1 - (rows @ rows.T).toarray(), 0, 1)
    np.fill_diagonal(found, 0)
    return found


def rand_index(one: Int[np.ndarray, " n"], two: Int[np.ndarray, " n"]) -> float:
    """The adjusted Rand index of two groupings (Hubert and Arabie, 1985); 0 where one group or none but single ones."""
    first, second = (np.unique(each, return_inverse=True)[1] for each in (one, two))
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    rows, columns, every = pairs(table.sum(axis=1)), pairs(table.sum(axis=0)), len(one) * (len(one) - 1) / 2
    expected, most = rows * columns / every, (rows + columns) / 2
    return 0.0 if most == expected else (pairs(table) - expected) / (most - expected)


def _tree(apart: Float[np.ndarray, "f f"]) -> np.ndarray:
    return linkage(squareform(apart, checks=False), "average")
