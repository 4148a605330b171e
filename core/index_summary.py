"""What an index, or one card of it, comes to in the few numbers that a person reads first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.component import Component
from core.index import Index
from core.indexing.layout import IndexFile

SHARES = (0.1, 0.5, 0.9)  # the quantiles that are told


def summary_of(file: IndexFile) -> dict[str, Any]:
    """How many components fire, and the quantiles of what was measured of them."""
    fires = file["density"] > 0
    named = file["name_words"][:, 0][fires]
    return {
        "bytes": file.path.stat().st_size,
        "components": {"fire": int(fires.sum()), "never": int((~fires).sum())},
        "words": {"known": len(file.texts("words")), "used": len(np.unique(named[named >= 0]))},
        "quantiles": {
            name: quantiles_of(file[name][fires]) for name in ("density", "p99", "clarity", "monosemanticity")
        },
    }


def broken_in(file: IndexFile) -> list[dict[str, str]]:
    """The pictures that could not be read, each with the reason."""
    pairs = (line.partition("\t") for line in file.texts("broken"))
    # the reason is a sentence that names the file once more
    return [{"file": name, "why": why.replace(f"'{name}'", "it").strip()} for name, _, why in pairs]


def quantiles_of(values: np.ndarray) -> dict[str, float]:
    """The quantiles of what is known among `values`, by share; NaN where nothing is."""
    known = values[np.isfinite(values)]
    found = np.quantile(known.astype(np.float64), SHARES) if len(known) else [math.nan] * len(SHARES)
    return {f"{share:g}": float(value) for share, value in zip(SHARES, found, strict=True)}


def code_quantiles(card: Component) -> dict[str, float]:
    """The same of a component's codes above 0, from its histogram: the middle of the bin, within a quarter of it."""
    both = [np.array(each, np.float64) for each in (card.histogram_class, card.histogram_patches) if each]
    total = np.cumsum(sum(both)) if both else np.zeros(0)
    if not len(total) or not total[-1]:
        return {}
    bins = [int(np.searchsorted(total, share * total[-1])) for share in SHARES]
    most = card.maximum if math.isfinite(card.maximum) else math.inf
    return {
        f"{share:g}": min(most, math.sqrt(edge(place) * edge(place + 1)))
        for share, place in zip(SHARES, bins, strict=True)
    }


def edge(place: int) -> float:
    """Where a bin of the histograms begins: two to a doubling, the first from 2^-12."""
    return 2.0 ** (place // 2 - 12) * (1 + place % 2 / 2)


def strongest(index: Index, component: int) -> list[tuple[str, float]]:
    """All of a component's strongest images that are kept, with how strongly it fires in each."""
    card = index[component]
    if index.file is None:
        return [(name, math.nan) for name in card.exemplars_top]
    files, file = index.file.texts("files"), index.file
    pairs = zip(file["top_images"][component].tolist(), file["top_strengths"][component].tolist(), strict=True)
    return [(files[place], strength) for place, strength in pairs if place >= 0]


def names_beside(index: Index, card: Component) -> dict[int, str]:
    """What the neighbours and the partners of a component are called."""
    beside: Sequence[tuple[int, float]] = (*card.neighbours, *card.partners)
    return {other: index.named(other) for other, _ in beside}
