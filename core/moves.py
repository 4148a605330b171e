"""What a search asks of the model: the vector of a text, and the components that turn one class into another."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from core.index import Index
from core.indexing.layout import IndexFile
from core.model import Clip, margins
from core.sae import SparseAutoencoder
from core.search import Filters, Match, file_of, matches_of
from core.types import TillerError
from core.zeroshot import text_vectors


def encoded(index: Index, model: Clip, text: str) -> np.ndarray:
    """The unit vector of a text, by the model that the index was built with; another is refused."""
    index.check_model(model)
    return text_vectors(model.network, model.tokenizer, (text,), ("{}",))[0].float().cpu().numpy()


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
    file = file_of(index)
    index.check_model(model)
    index.check(sae)
    direction = direction_of(file, model.labelled((origin, target)), sae)
    scores = (sae.dictionary.detach().double().cpu() @ direction.double().cpu()).numpy()
    return matches_of(index, scores, scores * np.nan_to_num(file["p99"]), filters, top)


def direction_of(file: IndexFile, model: Clip, sae: SparseAutoencoder) -> Float[Tensor, " d"]:
    """`pull_of` for the margin of the model's second class over its first, at the index's mean reference activation."""
    reference = file["reference_activations"]
    if not len(reference):
        raise TillerError(f"{file.path} has no reference activations; build it again over pictures that can be read.")
    x = torch.from_numpy(reference.mean(axis=0, dtype=np.float64, keepdims=True)).float().to(model.text.device)
    if model.reads_one_token and sae.convention.tokens == "patches":
        raise TillerError(
            f"The dictionary speaks for patches after the last block of {model.name}, where no patch can reach the "
            "answer; search an index of a block below."
        )
    return pull_of(model, sae, x, 1, 0)


def pull_of(
    model: Clip, sae: SparseAutoencoder, x: Float[Tensor, "1 t d"], target: int, against: int
) -> Float[Tensor, " d"]:
    """h: what a small step along a direction adds to a margin, in logits, at the activations `x`.

    It is the gradient of the margin through the tail, summed over the tokens that the dictionary speaks for: nothing is
    held. The scale of the dictionary's normaliser is folded in, fixed at `x`.
    """
    leaf = x.clone().requires_grad_()
    (pull,) = torch.autograd.grad(margins(model, leaf, target, against).sum(), leaf)
    rows = sae.rows(1, x.shape[1])
    return (pull[0, rows] * sae.frame(x[0, rows])[0]).sum(0)
