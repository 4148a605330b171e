"""Which components lie near each other in the dictionary, and which fire in the same images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import functional

NEAREST = 8
ROWS_AT_ONCE = 1024
SEEN_TOGETHER = 3  # images at least, or two rare components would be partners by one accident


@torch.inference_mode()
def neighbours(
    dictionary: Float[Tensor, "k d"], part: int, of: int, progress: Callable[[int, int], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The components nearest to each by cosine of dictionary rows, nearest first; -1 and NaN where there are too few.

    Args:
        progress: told how many rows of how many are done.

    Returns:
        Which rows were done: those of every `of`-th piece from `part` on; their neighbours, and the cosines.
    """
    unit = functional.normalize(dictionary, dim=-1)
    size = min(NEAREST, len(unit) - 1)
    rows, near, cosines = [], [], []
    for first in range(part * ROWS_AT_ONCE, len(unit), of * ROWS_AT_ONCE):
        own = torch.arange(first, min(len(unit), first + ROWS_AT_ONCE), device=unit.device)
        cosine = unit[own] @ unit.T
        cosine[torch.arange(len(own)), own] = -torch.inf
        values, places = cosine.topk(size, dim=-1)
        rows.append(own.cpu().numpy())
        near.append(_padded(places.int().cpu().numpy(), -1))
        cosines.append(_padded(values.float().cpu().numpy(), np.nan))
        progress(min(len(unit), first + of * ROWS_AT_ONCE), len(unit))
    none = np.zeros((0, NEAREST))
    return (
        np.concatenate([np.zeros(0, np.int64), *rows]),
        np.concatenate([none.astype(np.int32), *near]),
        np.concatenate([none.astype(np.float32), *cosines]),
    )


def partners(together: np.ndarray, components: int) -> dict[str, np.ndarray]:
    """The components that most often fire in the same images: n_ij / sqrt(n_i n_j), the cosine of two sets (Ochiai).

    Args:
        together: rows (image, component), of the sampled images and the strongest components of each.
    """
    _, image = np.unique(together[:, 0], return_inverse=True)
    ones = np.ones(len(together), np.int32)
    fires = csr_array((ones, (image, together[:, 1])), shape=(int(image.max(initial=-1)) + 1, components)).tocsc()
    counts = np.asarray(fires.sum(0)).reshape(-1)
    best = np.full((components, NEAREST), -1, np.int32)
    scores = np.full((components, NEAREST), np.nan, np.float32)
    for first in range(0, components, ROWS_AT_ONCE):
        joint = (fires[:, first : first + ROWS_AT_ONCE].T @ fires).tocoo()
        row, other, both = joint.coords[0] + first, joint.coords[1], joint.data
        kept = (row != other) & (both >= SEEN_TOGETHER)
        row, other = row[kept], other[kept]
        score = both[kept] / np.sqrt(counts[row] * counts[other].astype(np.float64))
        order = np.lexsort((other, -score, row))
        row, other, score = row[order], other[order], score[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        near = place < NEAREST
        best[row[near], place[near]], scores[row[near], place[near]] = other[near], score[near]
    return {"partners": best, "partner_scores": scores, "partner_images": counts.astype(np.int32)}


def _padded(found: np.ndarray, filler: float) -> np.ndarray:
    return np.pad(found, ((0, 0), (0, NEAREST - found.shape[1])), constant_values=filler)
