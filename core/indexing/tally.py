"""What one pass keeps of each component; sums are whole numbers, so that no order and no split can change a bit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from core.indexing.best import Best, lot_keys, strength_keys
from core.indexing.draws import hashed
from core.types import TillerError

TOP, SAMPLE = 20, 32  # images kept of each component: the strongest, and a fair sample of those in which it fires
STRONGEST = 64  # components of an image that count as active together
OCTAVES, STEPS = (-12, 12), 16  # the histogram reaches from 2^-12 to 2^12, in 16 equal steps for each doubling
BINS = (OCTAVES[1] - OCTAVES[0]) * STEPS
ONE = 1 << 30  # what stands for 1 in the sums
_FULL = 1 << 61
_ROWS_AT_ONCE = 256  # 1 MB of sums, which a core keeps near
_SHIFT = 23 - int(math.log2(STEPS))
_FIRST_BIN = (127 + OCTAVES[0]) * STEPS


@dataclass(frozen=True, eq=False)
class Seen:
    """One batch: its images' numbers and unit embeddings, and its codes above 0, sorted by component, then row.

    `usable` is false at the empty slots of broken files. `rows` are slot * tokens + token.
    """

    images: np.ndarray
    usable: np.ndarray
    embeddings: np.ndarray
    tokens: int
    rows: np.ndarray
    components: np.ndarray
    values: np.ndarray


class Tally:
    """Sums, extremes, histograms, exemplars and samples of the images added so far.

    Strengths are sums' units: a strength is counted in `unit`, a power of two, and 1 of it as `ONE` in a sum.

    Args:
        unit: 0 until the first batch says what it is.
        places: of tokens that count apart: "class" and "patches", or one of them.
        images: how many there are in the whole set, at most 2^32.
        sampled: the images whose components are counted together, ascending.
    """

    SUMS = ("firing", "strength", "square", "pull", "everywhere")

    def __init__(
        self,
        components: int,
        width: int,
        *,
        places: tuple[str, ...],
        tokens: int,
        images: int,
        unit: float,
        sampled: np.ndarray,
    ) -> None:
        count = np.uint32 if images * tokens < 1 << 32 else np.int64
        self.places, self.unit, self.sampled = places, unit, sampled
        self.used = 0
        self.sums = {
            "firing": np.zeros(components, np.int64),  # images in which it fires
            "strength": np.zeros(components, np.int64),
            "square": np.zeros(components, np.int64),
            "pull": np.zeros((components, width), np.int64),  # strength times unit embedding
            "everywhere": np.zeros(width, np.int64),  # unit embeddings of all images
        }
        self.histograms = {place: np.zeros((components, BINS), count) for place in places}
        self.maxima = {place: np.zeros(components, np.float32) for place in places}
        self.least = np.full(components, np.inf, np.float32)  # strength among images in which it fires
        self.top, self.sample = Best(components, TOP), Best(components, SAMPLE)
        self.together: list[np.ndarray] = []  # rows (image, component)

    def add(self, seen: Seen) -> None:
        """Count one batch in."""
        self.used += int(seen.usable.sum())
        self.sums["everywhere"] += whole(seen.embeddings[seen.usable].astype(np.float64).sum(0))
        slots = seen.rows // seen.tokens
        kept = seen.usable[slots] & (seen.values > 0)
        rows, slots, components, values = (
            part if kept.all() else part[kept] for part in (seen.rows, slots, seen.components, seen.values)
        )
        if len(values):
            self._count_tokens(rows % seen.tokens == 0, components, values)
            self._count_images(seen, slots, components, values)

    def merge(self, other: Tally) -> None:
        """Count in what another has counted of other images."""
        self.used += other.used
        for name in self.SUMS:
            self.sums[name] += other.sums[name]
        for place in self.places:
            self.histograms[place] += other.histograms[place]
            np.maximum(self.maxima[place], other.maxima[place], out=self.maxima[place])
        np.minimum(self.least, other.least, out=self.least)
        self.top.merge(other.top)
        self.sample.merge(other.sample)
        self.together += other.together
        self._refuse_overflow()

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name, for a file or another process."""
        self.top.settle()
        self.sample.settle()
        named = dict(self.sums)
        named |= {f"histogram_{place}": self.histograms[place] for place in self.places}
        named |= {f"maximum_{place}": self.maxima[place] for place in self.places}
        named |= {"least": self.least, "top_keys": self.top.keys, "top_values": self.top.values}
        named |= {"sample_keys": self.sample.keys, "sample_values": self.sample.values}
        self.together = [np.concatenate([np.zeros((0, 2), np.int64), *self.together])]
        return named | {"together": self.together[0], "used": np.array([self.used])}

    def restore(self, named: dict[str, np.ndarray]) -> None:
        """Take the place of the one whose `arrays` these are."""
        self.sums = {name: named[name] for name in self.SUMS}
        self.histograms = {place: named[f"histogram_{place}"] for place in self.places}
        self.maxima = {place: named[f"maximum_{place}"] for place in self.places}
        self.least, self.used = named["least"], int(named["used"][0])
        self.top.keys, self.top.values = named["top_keys"], named["top_values"]
        self.sample.keys, self.sample.values = named["sample_keys"], named["sample_values"]
        self.together = [named["together"]]

    def _count_tokens(self, at_class: np.ndarray, components: np.ndarray, values: np.ndarray) -> None:
        for place, mine in (("class", at_class), ("patches", ~at_class)):
            if place not in self.places or not mine.any():
                continue
            own, codes = (components, values) if mine.all() else (components[mine], values[mine])
            histogram = self.histograms[place].reshape(-1)
            # a 1 of another type would be ten times slower
            np.add.at(histogram, own.astype(np.int64) * BINS + bins_of(codes), histogram.dtype.type(1))
            starts = starts_of(own)
            found = own[starts]
            greatest = np.maximum.reduceat(codes, starts)
            self.maxima[place][found] = np.maximum(self.maxima[place][found], greatest)

    def _count_images(self, seen: Seen, slots: np.ndarray, components: np.ndarray, values: np.ndarray) -> None:
        batch = len(seen.images)
        pairs = components.astype(np.int64) * batch + slots
        starts = starts_of(pairs)
        strengths = np.maximum.reduceat(values, starts)
        components, slots = pairs[starts] // batch, pairs[starts] % batch
        images = seen.images[slots]
        self._count_sums(components, slots, strengths, seen.embeddings)
        self.top.offer(components, strength_keys(strengths, images), strengths)
        lots = hashed((images.astype(np.uint64) << np.uint64(24)) ^ components.astype(np.uint64), salt=1)
        self.sample.offer(components, lot_keys(lots, images), strengths)
        self._count_together(components, slots, strengths, seen)

    def _count_sums(
        self, components: np.ndarray, slots: np.ndarray, strengths: np.ndarray, embeddings: np.ndarray
    ) -> None:
        counted = strengths.astype(np.float64) / self.unit
        starts = starts_of(components)
        found, ends = components[starts], np.r_[starts[1:], len(components)]
        self.sums["firing"][found] += ends - starts
        self.sums["strength"][found] += np.add.reduceat(whole(counted), starts)
        self.sums["square"][found] += np.add.reduceat(whole(counted * counted), starts)
        self.least[found] = np.minimum(self.least[found], np.minimum.reduceat(strengths, starts))
        vectors = torch.from_numpy(embeddings).double() * ONE
        for first in range(0, len(found), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            span = slice(starts[part][0], ends[part][-1])
            dense = np.zeros((len(found[part]), len(embeddings)))  # this batch's images alone
            dense[np.repeat(np.arange(len(dense)), (ends - starts)[part]), slots[span]] = counted[span]
            rows = found[part]
            together = slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] == len(rows) - 1 else rows  # no copy of them
            self.sums["pull"][together] += (torch.from_numpy(dense) @ vectors).round_().long().numpy()
        self._refuse_overflow()

    def _count_together(self, components: np.ndarray, slots: np.ndarray, strengths: np.ndarray, seen: Seen) -> None:
        few = slots.astype(np.min_scalar_type(len(seen.images)))  # a sort of small numbers counts them off
        order = np.argsort(few, kind="stable")
        ends = np.cumsum(np.bincount(slots, minlength=len(seen.images)))
        for slot in np.flatnonzero(seen.usable & np.isin(seen.images, self.sampled)):
            mine = order[ends[slot - 1] if slot else 0 : ends[slot]]
            if len(mine) > STRONGEST:
                falling = -strengths[mine]
                mine = mine[falling <= np.partition(falling, STRONGEST - 1)[STRONGEST - 1]]
            strongest = components[mine[np.lexsort((components[mine], -strengths[mine]))[:STRONGEST]]]
            self.together.append(np.stack([np.full(len(strongest), seen.images[slot]), strongest], axis=1))

    def _refuse_overflow(self) -> None:
        if max(int(self.sums["strength"].max()), int(self.sums["square"].max())) > _FULL:
            raise TillerError(
                "Codes of these images are too many times greater than those of the first batch to be summed up "
                "without rounding; put other images first, or build the index from fewer."
            )


def whole(sums: np.ndarray) -> np.ndarray:
    """In `ONE`-ths, rounded to whole ones: whole numbers add up to the same in any order."""
    return np.rint(sums * ONE).astype(np.int64)


def unit_of(greatest: float) -> float:
    """The power of two at or above the greatest code of the first batch; 1 where there is none."""
    return 2.0 ** math.ceil(math.log2(greatest)) if greatest > 0 else 1.0


def starts_of(sorted_values: np.ndarray) -> np.ndarray:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.r_[True, sorted_values[1:] != sorted_values[:-1]])


def bins_of(codes: np.ndarray) -> np.ndarray:
    """The bin of each code above 0, from the bits of its float32: exponent and the first four of the fraction."""
    return np.clip((codes.view(np.uint32) >> _SHIFT).astype(np.int64) - _FIRST_BIN, 0, BINS - 1)


def edges() -> np.ndarray:
    """The lower edges of the bins, and the upper edge of the last."""
    steps = np.arange(BINS + 1)
    return 2.0 ** (steps // STEPS + OCTAVES[0]) * (1 + steps % STEPS / STEPS)
