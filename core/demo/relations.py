"""How the demo's components stand to one another and to what their pictures have in common, as an index has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from core.indexing.relations import neighbours, partners
from core.indexing.statistics import COARSE, clarity
from core.indexing.tally import BINS, STRONGEST, TOP, bins_of


@dataclass(frozen=True, eq=False)
class Relations:
    """Rows by component; the formulas are those of `data/docs/index.md`, over all pictures of a small set."""

    clarity: np.ndarray
    monosemanticity: np.ndarray
    neighbours: np.ndarray
    cosines: np.ndarray
    partners: np.ndarray
    together: np.ndarray

    def of(self, component: int) -> dict[str, Any]:
        """One component's part of its card."""
        return {
            "clarity": float(self.clarity[component]),
            "monosemanticity": float(self.monosemanticity[component]),
            "neighbours": _pairs(self.neighbours[component], self.cosines[component]),
            "partners": _pairs(self.partners[component], self.together[component]),
        }


def relations_of(
    strengths: np.ndarray, embeddings: Float[Tensor, "n e"], dictionary: Float[Tensor, "k d"]
) -> Relations:
    """The relations of components with these `strengths`, (images, components), in pictures of these embeddings."""
    unit = (embeddings / embeddings.norm(dim=-1, keepdim=True)).double().cpu().numpy()
    order = np.argsort(-strengths, axis=0, kind="stable")
    strongest = np.zeros_like(strengths, bool)
    np.put_along_axis(strongest, order[:TOP], True, axis=0)
    strongest &= strengths > 0
    held = strongest.sum(0)
    mean = strongest.T.astype(np.float64) @ unit / np.maximum(1, held)[:, None]
    per_image = np.argsort(-strengths, axis=1, kind="stable")[:, :STRONGEST]
    image = np.repeat(np.arange(len(strengths)), per_image.shape[1])
    fires = strengths[image, per_image.reshape(-1)] > 0
    joint = partners(np.stack([image, per_image.reshape(-1)], axis=1)[fires], strengths.shape[1])
    _, near, cosines = neighbours(dictionary, 0, 1, lambda _done, _of: None)
    return Relations(
        clarity(mean, held),
        monosemanticity(strengths, unit),
        near,
        cosines,
        joint["partners"],
        joint["partner_scores"],
    )


def monosemanticity(strengths: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Sum of a_n a_m cos(E_n, E_m) over sum of a_n a_m, n < m, a the strength scaled to 0 to 1 (Pach et al. 2025)."""
    least, greatest = strengths.min(0), strengths.max(0)
    span = np.where(greatest > least, greatest - least, 1.0)
    scaled = ((strengths - least) / span).astype(np.float64)
    square = (scaled**2).sum(0)
    weight = scaled.sum(0) ** 2 - square
    sound = (greatest > least) & (weight > 1e-6 * scaled.sum(0) ** 2)
    pulled = ((scaled.T @ unit) ** 2).sum(1)
    return np.where(sound, (pulled - square) / np.where(sound, weight, 1.0), np.nan)


def histogram_of(codes: np.ndarray) -> tuple[int, ...]:
    """Codes above 0 in bins, two to a doubling, the first from 2^-12 on; empty bins at the end are left out."""
    places = bins_of(np.ascontiguousarray(codes[codes > 0], np.float32)) // COARSE
    counts = np.bincount(places, minlength=1 if len(places) else 0)[: BINS // COARSE]
    return tuple(counts.tolist())


def _pairs(others: np.ndarray, values: np.ndarray) -> tuple[tuple[int, float], ...]:
    return tuple((other, value) for other, value in zip(others.tolist(), values.tolist(), strict=True) if other >= 0)
