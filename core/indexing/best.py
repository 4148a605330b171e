"""The few entries of least key that each component keeps, whatever order and in whatever pieces they come."""

from __future__ import annotations

import numpy as np

WAITING = 1 << 20  # entries that wait to be sorted in
WIDTH = 64  # entries of one component sorted in at once, so that one that fires everywhere makes no wide table of all
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_IMAGE = np.uint64(0xFFFFFFFF)


class Best:
    """`keys` and `values`, (components, size), keys ascending; the lower 32 bits of a key are the image's number."""

    def __init__(self, components: int, size: int) -> None:
        self.keys = np.full((components, size), _EMPTY, np.uint64)
        self.values = np.zeros((components, size), np.float32)
        self._waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._count = 0

    @property
    def images(self) -> np.ndarray:
        """The numbers of the images kept, -1 where there are fewer than `size`."""
        return np.where(self.keys == _EMPTY, -1, (self.keys & _IMAGE).astype(np.int64))

    def offer(self, components: np.ndarray, keys: np.ndarray, values: np.ndarray) -> None:
        """Take in entries; no image may be offered to a component twice."""
        near = keys < self.keys[components, -1]
        self._waiting.append((components[near], keys[near], values[near]))
        self._count += int(near.sum())
        if self._count >= WAITING:
            self.settle()

    def settle(self) -> None:
        """Sort in what waits."""
        if self._count:
            components, keys, values = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
            order = np.argsort(components, kind="stable")
            components, keys, values = components[order], keys[order], values[order]
            begins = np.r_[True, components[1:] != components[:-1]]
            starts, runs = np.flatnonzero(begins), np.cumsum(begins) - 1
            places = np.arange(len(runs)) - starts[runs]
            for first in range(0, int(places.max()) + 1, WIDTH):
                some = (places >= first) & (places < first + WIDTH)
                self._sort_in(components[some], places[some] - first, keys[some], values[some])
        self._waiting, self._count = [], 0

    def _sort_in(self, components: np.ndarray, places: np.ndarray, keys: np.ndarray, values: np.ndarray) -> None:
        """Entries sorted by component, each with its place among those of its component."""
        begins = places == 0
        touched, rows, size = components[begins], np.cumsum(begins) - 1, self.keys.shape[1]
        shape = (len(touched), size + int(places.max()) + 1)
        wide_keys, wide_values = np.full(shape, _EMPTY), np.zeros(shape, np.float32)
        wide_keys[:, :size], wide_values[:, :size] = self.keys[touched], self.values[touched]
        wide_keys[rows, size + places], wide_values[rows, size + places] = keys, values
        self.keys[touched], self.values[touched] = _least(wide_keys, wide_values, size)

    def merge(self, other: Best) -> None:
        """Take in what another has kept of other images."""
        self.settle()
        other.settle()
        keys = np.concatenate([self.keys, other.keys], axis=1)
        values = np.concatenate([self.values, other.values], axis=1)
        self.keys, self.values = _least(keys, values, self.keys.shape[1])


def _least(keys: np.ndarray, values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The `size` entries of least key of each row; equal keys are those of empty places alone."""
    order = np.argsort(keys, axis=1)[:, :size]
    return np.take_along_axis(keys, order, 1), np.take_along_axis(values, order, 1)


def strength_keys(strengths: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Keys by which the strongest come first and, of equals, the earlier image; strengths are above 0."""
    falling = np.uint64(0xFFFFFFFF) - strengths.astype(np.float32).view(np.uint32).astype(np.uint64)
    return (falling << np.uint64(32)) | images.astype(np.uint64)


def lot_keys(lots: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Keys by which 64-bit `lots` decide by their upper half."""
    return (lots & ~_IMAGE) | images.astype(np.uint64)
