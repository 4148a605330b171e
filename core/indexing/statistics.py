"""From what a pass has counted to what a card says: densities, p99, exemplars, clarity, monosemanticity."""

from __future__ import annotations

import numpy as np

from core.indexing.tally import BINS, ONE, STEPS, Tally, edges

MIDDLE, LOW = 9, 9
COARSE = STEPS // 2  # bins of the pass that make one bin of a card: two for each doubling
_AT_ONCE = 2048


def statistics_of(tally: Tally, tokens: int, exemplar_sums: np.ndarray) -> dict[str, np.ndarray]:
    """Every array of the index that comes from the pass alone; `data/docs/index.md` has each with its formula.

    Args:
        tokens: of one image that the tally has seen, the class token included.
        exemplar_sums: of the unit embeddings of each component's strongest images, in `ONE`-ths.
    """
    used = tally.used
    per_image = {"class": 1, "patches": tokens - 1}
    found: dict[str, np.ndarray] = {"density": (tally.sums["firing"] / used).astype(np.float32)}
    total, spoken, greatest = np.zeros(len(tally.least), np.int64), 0, np.zeros(len(tally.least), np.float32)
    for place in tally.places:
        histogram = tally.histograms[place]
        count = histogram.sum(1, dtype=np.int64)
        found[f"codes_{place}"] = count
        found[f"density_{place}"] = (count / (used * per_image[place])).astype(np.float32)
        found[f"maximum_{place}"] = tally.maxima[place]
        found[f"p99_{place}"] = p99(histogram, tally.maxima[place])
        found[f"histogram_{place}"] = histogram.reshape(len(count), -1, COARSE).sum(2, dtype=histogram.dtype)
        total, spoken = total + count, spoken + per_image[place]
        greatest = np.maximum(greatest, tally.maxima[place])
    found["density_tokens"] = (total / float(used * spoken)).astype(np.float32)
    found["maximum"] = greatest
    found["p99"] = p99(np.sum([tally.histograms[place] for place in tally.places], axis=0), greatest)
    found |= exemplars(tally)
    held = (found["top_images"] >= 0).sum(1)
    mean = exemplar_sums / ONE / np.maximum(1, held)[:, None]
    found["exemplar_mean"] = mean.astype(np.float32)
    found["clarity"] = clarity(mean, held)
    found["monosemanticity"] = monosemanticity(tally)
    return found


def p99(histogram: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """The least value that 99 % of the codes above 0 do not exceed, NaN where there is none.

    The middle of its bin, so within 1/32 of the value itself (3.2 %) between 2^-12 and 2^12; the maximum, exactly,
    where fewer than 100 codes leave no other.
    """
    count = histogram.sum(1, dtype=np.int64)
    rank = (99 * count + 99) // 100
    place = np.zeros(len(count), np.int64)
    for first in range(0, len(count), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        place[part] = (histogram[part].cumsum(1, dtype=np.int64) < rank[part, None]).sum(1)
    bounds = edges()
    middle = ((bounds[1:] + bounds[:-1]) / 2)[np.minimum(place, BINS - 1)]
    value = np.where(rank == count, maximum, np.minimum(middle, maximum))
    return np.where(count > 0, value, np.nan).astype(np.float32)


def exemplars(tally: Tally) -> dict[str, np.ndarray]:
    """The strongest images, and of a fair sample of the rest those about the middle and those at the low end."""
    top = tally.top.images
    found = {"top_images": top, "top_strengths": np.where(top >= 0, tally.top.values, np.nan)}
    middle, low = (np.full((len(top), size), -1, np.int64) for size in (MIDDLE, LOW))
    sampled = tally.sample.images
    for component, (images, strengths) in enumerate(zip(sampled, tally.sample.values, strict=True)):
        if images[0] < 0:
            continue
        rest = np.flatnonzero((images >= 0) & ~np.isin(images, top[component]))
        ordered = images[rest[np.lexsort((images[rest], -strengths[rest]))]]
        lowest = ordered[max(0, len(ordered) - LOW) :]
        left = ordered[: len(ordered) - len(lowest)]
        start = max(0, (len(left) - MIDDLE) // 2)
        chosen = left[start : start + MIDDLE]
        middle[component, : len(chosen)], low[component, : len(lowest)] = chosen, lowest
    return found | {"middle_images": middle, "low_images": low}


def clarity(mean: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The mean cosine of two of n exemplars: (|mean of unit embeddings|^2 - 1/n) n / (n - 1); NaN below two."""
    n = np.maximum(2, count)
    value = ((mean**2).sum(1) - 1 / n) * n / (n - 1)
    return np.where(count >= 2, value, np.nan).astype(np.float32)


def monosemanticity(tally: Tally) -> np.ndarray:
    """Sum of a_n a_m cos(E_n, E_m) over sum of a_n a_m, over pairs n < m, a the strength scaled to 0 to 1 (Pach 2025).

    From sums alone, for |sum a_n E_n|^2 - sum a_n^2 is twice the upper sum with unit E, and a = (s - least) / span
    leaves the span to cancel. NaN where the strength is the same in all images, or one image has all of it.
    """
    used, sums = tally.used, {name: tally.sums[name] for name in tally.SUMS}
    # where some image is without it the least strength is 0
    least = np.where(sums["firing"] < used, 0.0, tally.least.astype(np.float64) / tally.unit)
    greatest = np.maximum.reduce([tally.maxima[place] for place in tally.places]).astype(np.float64) / tally.unit
    strength = sums["strength"] / ONE
    plain = strength - used * least
    square = sums["square"] / ONE - 2 * least * strength + used * least**2
    everywhere = sums["everywhere"] / ONE
    pulled = np.zeros(len(least))
    for first in range(0, len(least), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        pulled[part] = ((sums["pull"][part] / ONE - least[part, None] * everywhere) ** 2).sum(1)
    weight = plain**2 - square
    alone = (sums["firing"] == 1) & (least == 0)  # one image has all of it; rounding would leave a weight near 0
    sound = (greatest > least) & (weight > 1e-6 * plain**2) & ~alone
    return np.where(sound, (pulled - square) / np.where(sound, weight, 1.0), np.nan).astype(np.float32)
