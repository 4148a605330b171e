"""Every picture's margin shared out over components, kept as the few that are not 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from torch import Tensor

from core.model import Clip
from core.prompts import refuse_lone_class
from core.readout import readout
from core.ripple import ReferenceSet
from core.sae import SparseAutoencoder
from core.types import View

TOKENS_AT_ONCE = 1 << 11  # times blocks, in one pass that keeps what its backward pass needs
ENTRIES_AT_ONCE = 1 << 13  # dictionary rows gathered at a time, in double precision: 48 MiB at width 768

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all; an exception that it raises stops the work."""


@dataclass(frozen=True, eq=False)
class Shares:
    """The margin of what the model says of each picture, over the right class or, where that is said, the runner-up.

    So one account serves both questions: `-margin` of a failing picture is the margin of its right class over the best
    other. `scores` are logits by picture and component, an entry wherever the component fires; `strengths` its
    greatest code there and `reach` the share of the tokens that it fires on, with the same entries. `error` is what
    the dictionary does not reconstruct. After the last block the scores are exact, below it code times gradient.
    """

    view: View
    said: Int[np.ndarray, " n"]
    truth: Int[np.ndarray, " n"]
    against: Int[np.ndarray, " n"]
    margin: Float[np.ndarray, " n"]
    error: Float[np.ndarray, " n"]
    scores: csr_array
    strengths: csr_array
    reach: csr_array
    size: int  # components of the dictionary

    @property
    def wrong(self) -> np.ndarray:
        """Whether each picture fails."""
        return self.said != self.truth

    @property
    def explained(self) -> Float[np.ndarray, " n"]:
        """Of each picture, sum of |score| over that sum plus |error|; NaN where both are 0."""
        scores = np.asarray(abs(self.scores).sum(axis=1)).ravel()
        whole = scores + np.abs(self.error)
        return np.divide(scores, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def share_out(
    model: Clip, sae: SparseAutoencoder, reference: ReferenceSet, *, progress: Progress = lambda stage, done, of: None
) -> Shares:
    """Share out the margin of every picture of a reference set, from the activations that it keeps.

    Memory is that of the entries, some 30 bytes for each component active in a picture, whatever their number.

    Raises:
        TillerError: the model has a single class.
    """
    refuse_lone_class(len(model.labels))
    logits = model.classify(reference.embeddings).detach().cpu().double()
    best = logits.topk(2, dim=-1).indices
    truth = torch.tensor([model.labels.index(reference.labels[each]) for each in reference.truth])
    said = best[:, 0]
    against = torch.where(said == truth, best[:, 1], truth)
    each = torch.arange(len(truth))
    exact = model.reads_one_token and sae.convention.tokens != "patches"
    found = _Found(reference, sae)
    cost = reference.activations.shape[1] * (model.depth - model.passed + 1)  # of one picture: tokens times blocks
    step = 32 if exact else max(1, TOKENS_AT_ONCE // cost)
    for first in range(0, len(truth), step):
        some = slice(first, min(first + step, len(truth)))
        progress("sharing out margins", first, len(truth))
        pair = said[some].tolist(), against[some].tolist()
        x = reference.activations[some]
        slopes = _readouts(model, x, *pair) if exact else _gradients(model, x, *pair)
        found.add(some, x, slopes)
    progress("sharing out margins", len(truth), len(truth))
    return Shares(
        view=View.EXACT if exact else View.GRADIENT,
        said=said.numpy(),
        truth=truth.numpy(),
        against=against.numpy(),
        margin=(logits[each, said] - logits[each, against]).numpy(),
        error=np.concatenate(found.error),
        scores=found.table(found.scores),
        strengths=found.table(found.strengths),
        reach=found.table(found.reach),
        size=sae.size,
    )


def _readouts(model: Clip, x: Tensor, said: list[int], against: list[int]) -> Float[Tensor, "b t d"]:
    """The frozen readout of each picture's class token; no other token can reach the prediction."""
    slopes = torch.zeros_like(x, dtype=torch.float64)
    with torch.no_grad():
        for place, (one, other) in enumerate(zip(said, against, strict=True)):
            slopes[place, 0] = readout(model, x[place : place + 1], one, other)[0]
    return slopes


def _gradients(model: Clip, x: Tensor, said: list[int], against: list[int]) -> Float[Tensor, "b t d"]:
    """Each margin's gradient in its own activations: pictures of a batch do not meet, so their sum will do."""
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_()
        logits = model.logits(leaf, exact=False)
        each = torch.arange(len(x), device=logits.device)
        margins = logits[each, said] - logits[each, against]
        (slopes,) = torch.autograd.grad(margins.sum(), leaf)
    return slopes.double()


class _Found:
    """Entries as they come, by picture in order."""

    def __init__(self, reference: ReferenceSet, sae: SparseAutoencoder) -> None:
        self._codes, self._sae = reference.codes, sae
        self._images, self._tokens, _ = reference.codes.shape
        self._by_row = torch.argsort(self._codes.rows, stable=True).int()
        self._rows = self._codes.rows[self._by_row.long()]
        self.counts: list[np.ndarray] = []
        self.components: list[np.ndarray] = []
        self.scores: list[np.ndarray] = []
        self.strengths: list[np.ndarray] = []
        self.reach: list[np.ndarray] = []
        self.error: list[np.ndarray] = []

    @torch.no_grad()
    def add(self, some: slice, x: Float[Tensor, "b t d"], slopes: Float[Tensor, "b t d"]) -> None:
        """Take in the pictures `some`, whose activations are `x` and their margins' slopes in them `slopes`."""
        tokens, device = self._tokens, x.device
        ends = torch.tensor([some.start * tokens, some.stop * tokens], dtype=self._rows.dtype, device=device)
        start, stop = torch.searchsorted(self._rows, ends).tolist()
        mine = self._by_row[start:stop].long()
        rows = self._codes.rows[mine].long() - some.start * tokens
        components, codes = self._codes.components[mine].long(), self._codes.values[mine].double()
        flat, pull = x.flatten(0, 1), slopes.flatten(0, 1)
        scale, centre = (each.double() for each in self._sae.frame(flat))
        values = codes * scale[rows, 0]
        towards = [
            (self._sae.dictionary[part].double() * pull[at]).sum(dim=-1)
            for part, at in zip(components.split(ENTRIES_AT_ONCE), rows.split(ENTRIES_AT_ONCE), strict=True)
        ]
        scores = values * (torch.cat(towards) if towards else values)
        # one entry for each component of a picture
        pair, place = torch.unique((rows // tokens) * self._sae.size + components, return_inverse=True)
        nothing = scores.new_zeros(len(pair))
        sums = nothing.index_add(0, place, scores)
        strengths = nothing.scatter_reduce(0, place, codes, "amax", include_self=False)
        reach = nothing.index_add(0, place, torch.ones_like(scores)) / tokens
        counts = torch.bincount(pair // self._sae.size, minlength=len(x))
        self.counts.append(counts.cpu().numpy())
        self.components.append((pair % self._sae.size).cpu().numpy().astype(np.int32))
        self.scores.append(sums.cpu().numpy())
        self.strengths.append(strengths.cpu().numpy().astype(np.float32))
        self.reach.append(reach.cpu().numpy().astype(np.float32))
        # x = scale (z @ dictionary) + scale b + centre + error, at the tokens that the dictionary speaks for
        spoken = self._sae.rows(len(x), tokens)
        bias = scale * self._sae.bias.double() + centre
        left = ((flat.double() - bias) * pull)[spoken].sum(dim=-1)
        owner = spoken // tokens
        whole = nothing.new_zeros(len(x)).index_add(0, owner, left)
        of_codes = nothing.new_zeros(len(x)).index_add(0, pair // self._sae.size, sums)
        self.error.append((whole - of_codes).cpu().numpy())

    def table(self, parts: list[np.ndarray]) -> csr_array:
        """Pictures by components, with the entries of `parts`."""
        ends = np.concatenate([[0], np.cumsum(np.concatenate(self.counts))])
        shape = self._images, self._sae.size
        return csr_array((np.concatenate(parts), np.concatenate(self.components), ends), shape=shape)
