"""The mathematics of the four views: who gets what of one margin, at one block of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from core.codes import Codes
from core.model import Clip, margins
from core.readout import readout
from core.sae import SparseAutoencoder
from core.steering import Look
from core.types import TillerError
from core.vision import VisionModel

STEPS = 16
STEPS_AT_ONCE = 4
SCREENED = 32
ENTRIES_AT_ONCE = 1 << 10  # dictionary rows gathered at a time: 3 MiB at width 768, so that they stay in the cache
TOKENS_AT_ONCE = 1 << 15  # in one batched tail pass
GRADIENT_TOKENS_AT_ONCE = 1 << 13  # times blocks, in one pass that keeps what its backward pass needs


@dataclass(frozen=True, eq=False)
class Account:
    """Entries of one view; see `core.attribution.Attribution` for what they mean."""

    margin: float
    scores: dict[int, float]
    bias: float
    error: float
    constant: float
    per_token: Codes | None = None
    other: float = 0.0


@dataclass(frozen=True, eq=False)
class Dissection:
    """The tokens of one picture that can reach the prediction, taken apart: x = scale (z @ dictionary) + bias + error.

    `part` is scale (z @ dictionary), `bias` scale b + centre, `error` what is left; all three are 0 at tokens the
    dictionary does not speak for, whose activations are in `x` alone.
    """

    model: VisionModel
    sae: SparseAutoencoder
    target: int
    against: int
    class_token_only: bool
    x: Float[Tensor, "t d"]
    codes: Codes
    scale: Float[Tensor, "t 1"]
    part: Float[Tensor, "t d"]
    bias: Float[Tensor, "t d"]
    error: Float[Tensor, "t d"]

    @classmethod
    @torch.no_grad()
    def of(cls, model: VisionModel, sae: SparseAutoencoder, seen: Look, target: int, against: int) -> Dissection:
        """Where the answer is read from token 0 alone, that token; otherwise all tokens."""
        alone = isinstance(model, Clip) and model.reads_one_token
        x, codes = seen.activations[0], seen.codes
        if alone:
            x, codes = x[:1], codes.of_class_token()
        rows = sae.rows(1, len(x))
        scale, centre = sae.frame(x[rows])
        scales, part, bias, error = x.new_zeros(len(x), 1), *(torch.zeros_like(x) for _ in range(3))
        scales[rows] = scale
        part[rows] = (scales * codes.weigh(sae.dictionary))[rows]
        bias[rows] = scale * sae.bias + centre
        error[rows] = (x - part - bias)[rows]
        return cls(model, sae, target, against, alone, x, codes, scales, part, bias, error)

    @property
    def unspoken(self) -> Float[Tensor, "t d"]:
        """Activations of the tokens that the dictionary does not speak for."""
        return self.x - self.part - self.bias - self.error

    def margin_of(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, " b"]:
        """The margin of each variant of the picture, in one pass unless memory forbids it."""
        step = max(1, TOKENS_AT_ONCE // x.shape[1])
        with torch.no_grad():
            return torch.cat([margins(self.model, some, self.target, self.against) for some in x.split(step)])

    def gradients_of(self, x: Float[Tensor, "b t d"]) -> tuple[Float[Tensor, " b"], Float[Tensor, "b t d"]]:
        """Margins of the variants, and each one's gradient in its own activations; no state is touched."""
        blocks = self.model.depth - self.model.passed + 1 if isinstance(self.model, Clip) else 1
        step = max(1, GRADIENT_TOKENS_AT_ONCE // (x.shape[1] * blocks))
        found = [self._gradients(some) for some in x.split(step)]
        return torch.cat([margin for margin, _ in found]), torch.cat([slope for _, slope in found])

    def along(self, slope: Float[Tensor, "t d"]) -> Codes:
        """Each code's contribution to the activations, in the direction of `slope`: z * scale * (w . slope)."""
        codes, pieces = self.codes, []
        for start in range(0, codes.count, ENTRIES_AT_ONCE):
            some = slice(start, start + ENTRIES_AT_ONCE)
            rows = codes.rows[some].long()
            towards = (self.sae.dictionary[codes.components[some].long()] * slope[rows]).sum(dim=-1)
            pieces.append(codes.values[some] * self.scale[rows, 0] * towards)
        return replace(codes, values=torch.cat(pieces) if pieces else codes.values)

    def _gradients(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            margin = margins(self.model, leaf, self.target, self.against)
            (slope,) = torch.autograd.grad(margin.sum(), leaf)
        return margin.detach(), slope


def exact(cut: Dissection) -> Account:
    """A: the margin is affine in the class token once the last LayerNorm and the embedding's norm are frozen."""
    model = cut.model
    if not isinstance(model, Clip):
        raise TillerError("The exact view was asked for of a model that is no CLIP; use view gradient.")
    if cut.sae.convention.tokens == "patches":
        raise TillerError(
            "The exact view was asked for with a dictionary for patches; it explains the class token: "
            "load a dictionary for all tokens or the class token."
        )
    slope, constant = readout(model, cut.x[None], cut.target, cut.against)
    codes, scale = cut.codes, cut.scale[0].double()
    rows = cut.sae.dictionary[codes.components.long()].double()
    sizes = codes.values.double() * scale
    bias = cut.bias[0].double()
    error = cut.x[0].double() - sizes @ rows - bias
    per_token = replace(codes, values=sizes * (rows @ slope))
    return Account(
        margin=cut.margin_of(cut.x[None]).item(),
        scores=per_token.totals(),
        bias=(bias @ slope).item(),
        error=(error @ slope).item(),
        constant=constant,
        per_token=per_token,
    )


def gradient(cut: Dissection) -> Account:
    """B: code times the margin's gradient in it, error and bias held."""
    margin, slopes = cut.gradients_of(cut.x[None])
    per_token = cut.along(slopes[0])
    return Account(
        margin=margin.item(),
        scores=per_token.totals(),
        bias=_dot(cut.bias, slopes[0]),
        error=_dot(cut.error, slopes[0]),
        constant=_dot(cut.unspoken, slopes[0]),
        per_token=per_token,
    )


def integrated(cut: Dissection, turn: AbstractContextManager[object] | None = None) -> Account:
    """C: gradients integrated from no codes to these, midpoint rule, with error and bias held all the way.

    Neither shrinks with the codes: at x = 0 the last LayerNorm has no gradient to speak of. What constant, bias and
    error give, put in one after the other before the first code, are entries of their own. Every few steps wait for a
    `turn` of their own, which whoever has something shorter to compute may take in between.
    """
    turn = turn or nullcontext()
    held = cut.x - cut.part
    alphas = (torch.arange(STEPS, device=held.device, dtype=held.dtype) + 0.5) / STEPS
    slope = torch.zeros_like(held)
    for some in alphas.split(STEPS_AT_ONCE):
        with turn:
            slope += cut.gradients_of(held + some[:, None, None] * cut.part)[1].sum(dim=0) / STEPS
    stages = torch.stack([cut.unspoken, cut.unspoken + cut.bias, held, cut.x])
    with turn:
        nothing, with_bias, with_error, everything = cut.margin_of(stages).double().tolist()
    per_token = cut.along(slope)
    return Account(
        margin=everything,
        scores=per_token.totals(),
        bias=with_bias - nothing,
        error=with_error - with_bias,
        constant=nothing,
        per_token=per_token,
    )


@torch.no_grad()
def ablation(cut: Dissection, components: Sequence[int]) -> Account:
    """D: what the margin loses without each of `components`, all others together, the error, and the bias."""
    codes, t = cut.codes, len(cut.x)
    wanted = torch.tensor(sorted(components), dtype=torch.int32, device=codes.components.device)
    place = torch.searchsorted(wanted, codes.components)
    chosen = torch.isin(codes.components, wanted)
    rows = codes.rows[chosen].long()
    parts = codes.values[chosen, None] * cut.scale[rows] * cut.sae.dictionary[codes.components[chosen].long()]
    removed = cut.x.new_zeros(len(wanted), t, cut.x.shape[1])
    removed.view(-1, cut.x.shape[1]).index_add_(0, place[chosen] * t + rows, parts)
    others = cut.part - removed.sum(dim=0) if not chosen.all() else torch.zeros_like(cut.part)
    variants = torch.cat([torch.stack([torch.zeros_like(cut.x), cut.bias, cut.error, others]), removed])
    found = cut.margin_of(cut.x - variants).double()
    # the untouched picture rounds otherwise in another place of the batch, which must not be read as an effect
    touched = variants.flatten(1).any(dim=1)
    clean, losses = found[0].item(), torch.where(touched, found[0] - found, 0.0)[1:].tolist()
    return Account(
        margin=clean,
        scores=dict(zip(wanted.tolist(), losses[3:], strict=True)),
        bias=losses[0],
        error=losses[1],
        constant=0.0,
        other=losses[2],
    )


def screened(cut: Dissection, top: int = SCREENED) -> tuple[int, ...]:
    """Which components are worth removing one by one: all after the last block, else the `top` by |code x gradient|."""
    if cut.class_token_only:
        return cut.codes.active()
    scores = gradient(cut).scores
    return tuple(sorted(scores, key=lambda component: (-abs(scores[component]), component))[:top])


def _dot(one: Tensor, two: Tensor) -> float:
    return (one.double() * two.double()).sum().item()
