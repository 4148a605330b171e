"""Fair draws that need no state: a hash says which images are kept, so that any order and any split keep the same."""

from __future__ import annotations

import numpy as np

AT_ONCE = 1 << 20  # hashes held while a set is gone through
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hashed(numbers: np.ndarray, salt: int = 0) -> np.ndarray:
    """64 well-mixed bits of each whole number: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = (numbers.astype(np.uint64) + np.uint64(salt) + np.uint64(1)) * _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def drawn(count: int, wanted: int, *, salt: int) -> np.ndarray:
    """At most `wanted` of the numbers below `count`, each with the same chance, ascending."""
    return stratified(None, count, wanted, salt=salt)


def stratified(classes: np.ndarray | None, count: int, wanted: int, *, salt: int) -> np.ndarray:
    """At most `wanted` of the numbers below `count`, as equally many of each class as there are, ascending.

    Args:
        classes: the class of each number; None where all are of one.
    """
    number, group, key = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64)
    for start in range(0, count, AT_ONCE):
        more = np.arange(start, min(count, start + AT_ONCE))
        own = np.zeros(len(more), np.int64) if classes is None else classes[more]
        number, group = np.concatenate([number, more]), np.concatenate([group, own])
        key = np.concatenate([key, hashed(more, salt)])
        # the place of each within its class; beyond `wanted` no place can be among the first `wanted` of all
        order = np.lexsort((key, group))
        number, group, key = number[order], group[order], key[order]
        place = _places(group)
        first = np.lexsort((key, place))[:wanted] if start + AT_ONCE >= count else np.flatnonzero(place < wanted)
        number, group, key = number[first], group[first], key[first]
    return np.sort(number)


def _places(group: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... within each run of equal values."""
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    return np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
