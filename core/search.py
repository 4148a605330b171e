"""Components by what they show, and by what they would do: a text to look for, or one class to turn into another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from core.index import Index
from core.indexing.layout import IndexFile
from core.model import Clip, margins
from core.readout import readout
from core.sae import SparseAutoencoder
from core.types import TillerError
from core.zeroshot import text_vectors

_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Bounds, all inclusive, within which components are listed; one without the number asked about is left out.

    `class_share` is the share of a component's codes above 0 that are at the class token.
    """

    min_density: float | None = None
    max_density: float | None = None
    min_clarity: float | None = None
    min_monosemanticity: float | None = None
    min_class_share: float | None = None
    max_class_share: float | None = None

    def kept(self, index: Index) -> np.ndarray:
        """Which components are within all of the bounds."""
        file = _file(index)
        kept = np.ones(len(index), bool)
        share = class_share(file)
        for values, least, most in (
            (file["density"], self.min_density, self.max_density),
            (file["clarity"], self.min_clarity, None),
            (file["monosemanticity"], self.min_monosemanticity, None),
            (share, self.min_class_share, self.max_class_share),
        ):
            if least is not None:
                kept &= values >= least
            if most is not None:
                kept &= values <= most
        return kept


@dataclass(frozen=True, slots=True)
class Match:
    """A component found. A text's `score` is a difference of cosines; a move's is logits per unit of code.

    `per_p99` is the score for a code of the component's p99, in logits; NaN where a text was looked for.
    """

    component: int
    label: str
    score: float
    per_p99: float
    density: float
    clarity: float
    monosemanticity: float
    class_share: float


def by_text(
    index: Index, query: str, model: Callable[[], Clip], *, filters: Filters | None = None, top: int = 20
) -> tuple[Match, ...]:
    """The components whose strongest images lie nearest to a text: cos(e_i, text) - cos(e_i, text("")).

    Args:
        model: called for a text that is not in the index's own vocabulary, whose vectors are kept.
    """
    file = _file(index)
    words = file.texts("words")
    place = next((at for at, word in enumerate(words) if word.casefold() == query.strip().casefold()), None)
    if place is None:
        clip = model()
        index.check_model(clip)
        wanted = text_vectors(clip.network, clip.tokenizer, (query,), ("{}",))[0].float().cpu().numpy()
    else:
        wanted = file["word_vectors"][1 + place]
    means = file["exemplar_mean"]
    scores = np.full(len(index), np.nan, np.float32)
    for first in range(0, len(means), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        length = np.linalg.norm(means[part], axis=1)
        known = length > 0
        scores[part][known] = means[part][known] @ (wanted - file["word_vectors"][0]) / length[known]
    return _matches(index, scores, None, filters, top)


def by_move(
    index: Index,
    model: Clip,
    sae: SparseAutoencoder,
    origin: str,
    target: str,
    *,
    filters: Filters | None = None,
    top: int = 20,
) -> tuple[Match, ...]:
    """The components that would most move the answer from `origin` to `target`, the greatest effect per p99 first.

    The score is w_i . h: what one unit of code adds to the margin of `target` over `origin`, in logits, to first order
    at the mean activation of the reference set. See `direction_of`.
    """
    file = _file(index)
    index.check_model(model)
    index.check(sae)
    direction = direction_of(file, model.labelled((origin, target)), sae)
    scores = (sae.dictionary.detach().double().cpu() @ direction.double().cpu()).numpy()
    return _matches(index, scores, scores * np.nan_to_num(file["p99"]), filters, top)


def direction_of(file: IndexFile, model: Clip, sae: SparseAutoencoder) -> Float[Tensor, " d"]:
    """h for the margin of the model's second class over its first, at the mean reference activation.

    At the class token of the last block the readout's own h, with the last LayerNorm's deviation and the embedding's
    norm held: the margin is affine in it. Below, the gradient of the margin through the tail, summed over the tokens
    that the dictionary speaks for. The scale of the dictionary's normaliser is folded in, fixed at the mean activation.
    """
    reference = file["reference_activations"]
    if not len(reference):
        raise TillerError(f"{file.path} has no reference activations; build it again over pictures that can be read.")
    x = torch.from_numpy(reference.mean(axis=0, dtype=np.float64, keepdims=True)).float().to(model.text.device)
    if model.is_last and model.reads_class_token:
        if sae.convention.tokens == "patches":
            raise TillerError(
                f"The dictionary speaks for patches after the last block of {model.name}, where no patch can reach the "
                "answer; search an index of a block below."
            )
        h, _ = readout(model, x, 1, 0)
        return h * sae.frame(x[0, :1])[0][0].double()
    leaf = x.clone().requires_grad_()
    (pull,) = torch.autograd.grad(margins(model, leaf, 1, 0).sum(), leaf)
    rows = sae.rows(1, x.shape[1])
    return (pull[0, rows] * sae.frame(x[0, rows])[0]).sum(0)


def class_share(file: IndexFile) -> np.ndarray:
    """The share of each component's codes above 0 that are at the class token; NaN where it never fires."""
    none = np.zeros(len(file["density"]))
    at_class, at_patches = (file.get(f"codes_{one}", none) for one in ("class", "patches"))
    total = at_class + at_patches
    return np.where(total > 0, at_class / np.maximum(1, total), np.nan)


def _matches(
    index: Index, scores: np.ndarray, per_p99: np.ndarray | None, filters: Filters | None, top: int
) -> tuple[Match, ...]:
    file = _file(index)
    ranked = scores if per_p99 is None else per_p99
    kept = np.isfinite(ranked) & (filters or Filters()).kept(index) & (file["density"] > 0)
    places = np.flatnonzero(kept)
    best = places[np.lexsort((places, -ranked[places]))[:top]]
    share = class_share(file)
    return tuple(
        Match(
            component=component,
            label=index.named(component),
            score=float(scores[component]),
            per_p99=float("nan") if per_p99 is None else float(per_p99[component]),
            density=float(file["density"][component]),
            clarity=float(file["clarity"][component]),
            monosemanticity=float(file["monosemanticity"][component]),
            class_share=float(share[component]),
        )
        for component in best.tolist()
    )


def _file(index: Index) -> IndexFile:
    if index.file is None:
        raise TillerError(
            "A search was asked for in a JSON list of cards, which keeps no embeddings; make an index with "
            "`tiller index build`."
        )
    return index.file
