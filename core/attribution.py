"""One prediction, four accounts of it by component; what the dictionary misses is always an entry of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata

from core.accounts import SCREENED, Account, Dissection, ablation, exact, gradient, integrated, screened
from core.codes import Codes
from core.model import Clip
from core.prompts import refuse_lone_class
from core.sae import SparseAutoencoder
from core.steering import Look
from core.types import TillerError, View, refuse_component
from core.vision import VisionModel


@dataclass(frozen=True, eq=False)
class Attribution:
    """The margin of `target` over `against`, in logits, shared out over components.

    What `total` says depends on the view. EXACT: scores, bias, error and constant sum to the margin. INTEGRATED: they
    sum to it up to the integration's gap; constant, bias and error are what each adds before any code is there.
    GRADIENT: no sum is promised (after the last block it is 0, Euler's theorem). ABLATION: each entry is what the
    margin loses without it, so entries overlap and need not sum. `completeness_gap` is always margin - total.

    After the last block of a model that reads its class token, only that token's codes take part: no other token can
    reach the prediction. At the embedding there is no other.
    """

    view: View
    target: int
    against: int
    margin: float
    components: tuple[int, ...]  # by score, greatest first
    scores: Mapping[int, float]
    activation: Mapping[int, float]  # greatest code over the tokens that take part
    class_part: Mapping[int, float]
    patch_part: Mapping[int, float]
    other: float  # active components without a score of their own, taken together
    bias: float
    error: float
    constant: float
    grid: int
    per_token: Codes | None  # scores in place of codes; None where the view removes a component everywhere at once

    @property
    def total(self) -> float:
        """All entries summed."""
        return math.fsum((*self.scores.values(), self.other, self.bias, self.error, self.constant))

    @property
    def completeness_gap(self) -> float:
        """What the entries leave of the margin."""
        return self.margin - self.total

    @property
    def explained_share(self) -> float:
        """Sum of |score| over that sum plus |error|; NaN where both are 0."""
        explained = math.fsum(abs(score) for score in self.scores.values())
        return explained / (explained + abs(self.error)) if explained or self.error else math.nan

    @property
    def dictionary_explains(self) -> bool:
        """False where under 70 % is explained, or the error outweighs every component: say so on the screen."""
        greatest = max((abs(score) for score in self.scores.values()), default=0.0)
        return self.explained_share >= 0.7 and abs(self.error) <= greatest

    def ranked(self, n: int | None = None) -> tuple[int, ...]:
        """The `n` components of greatest |score|, the lower number first on a tie."""
        return tuple(sorted(self.components, key=lambda component: (-abs(self.scores[component]), component))[:n])

    def beyond(self, shown: Iterable[int]) -> float:
        """The scores of all components that are not `shown`, taken together: the "other" bar of a short list."""
        listed = set(shown)
        return math.fsum((self.other, *(self.scores[each] for each in self.components if each not in listed)))

    def patches(self, component: int) -> Float[np.ndarray, "g g"]:
        """Signed scores of `component` on the patch grid."""
        if self.per_token is None:
            raise TillerError(
                f"A map of component {component} was asked for; view ablation removes it everywhere at once and has no "
                "map: use view gradient or integrated."
            )
        rows, scores = self.per_token.of(component)
        flat = np.zeros(self.grid**2)
        flat[rows[rows > 0].cpu().numpy() - 1] = scores[rows > 0].cpu().numpy()
        return flat.reshape(self.grid, self.grid)


def attribute(
    model: VisionModel,
    sae: SparseAutoencoder,
    seen: Look,
    target: int,
    *,
    against: int | None = None,
    view: View = View.GRADIENT,
    top: int = SCREENED,
    turn: AbstractContextManager[object] | None = None,
) -> Attribution:
    """Share out the margin of class `target` over class `against` (the best other class where none is given).

    Args:
        turn: with view INTEGRATED, what every few steps are taken under, such as a gate that others wait at as well.
        top: with view ABLATION below the last block, how many components to remove one by one: those of greatest
            |code x gradient|. After the last block all active ones are.

    Raises:
        TillerError: a class that does not exist, or the exact view where it does not.
    """
    cut = Dissection.of(model, sae, seen, *_classes(model, seen, target, against))
    match view:
        case View.EXACT:
            account = exact(cut)
        case View.GRADIENT:
            account = gradient(cut)
        case View.INTEGRATED:
            account = integrated(cut, turn)
        case View.ABLATION:
            account = ablation(cut, screened(cut, top))
        case _:
            assert_never(view)
    return _attribution(view, cut, account, seen)


def leave_one_out(
    model: VisionModel, sae: SparseAutoencoder, seen: Look, target: int, against: int, components: Sequence[int]
) -> dict[int, float]:
    """What the margin loses without each of `components`, y(x) - y(x without it), in one batched tail pass."""
    for component in components:
        refuse_component(component, sae.size)
    cut = Dissection.of(model, sae, seen, *_classes(model, seen, target, against))
    return ablation(cut, tuple(dict.fromkeys(components))).scores


def agreement(gradient: Attribution, effects: Mapping[int, float]) -> float:
    """Spearman's rank correlation of scores with leave-one-out `effects` on this picture; NaN where it has none."""
    common = [component for component in effects if component in gradient.scores]
    return spearman([gradient.scores[each] for each in common], [effects[each] for each in common])


def spearman(one: Sequence[float], two: Sequence[float]) -> float:
    """Rank correlation with ties at their mean rank; NaN for fewer than two pairs or where either does not vary."""
    if len(one) < 2 or len(set(one)) < 2 or len(set(two)) < 2:
        return math.nan
    return float(np.corrcoef(rankdata(one), rankdata(two))[0, 1])


def _classes(model: VisionModel, seen: Look, target: int, against: int | None) -> tuple[int, int]:
    count = len(model.labels)
    refuse_lone_class(count)
    if against is None:
        with torch.no_grad():
            logits = model.logits(seen.activations)[0].tolist()
        against = max((each for each in range(count) if each != target), key=lambda each: logits[each])
    for asked in (target, against):
        if not 0 <= asked < count:
            raise TillerError(f"Class {asked} was asked for; there are {count}: name one from 0 to {count - 1}.")
    if target == against:
        raise TillerError(f"'{model.labels[target]}' was to be set against itself; choose another class.")
    return target, against


def _attribution(view: View, cut: Dissection, account: Account, seen: Look) -> Attribution:
    scores = account.scores
    # the share of the class token: all of it where only that token takes part
    if account.per_token is not None:
        class_part = account.per_token.totals(account.per_token.rows == 0)
    else:
        class_part = dict(scores) if cut.class_token_only else {}
    split = account.per_token is not None or cut.class_token_only
    peaks = cut.codes.peaks()
    return Attribution(
        view=view,
        target=cut.target,
        against=cut.against,
        margin=account.margin,
        components=tuple(sorted(scores, key=lambda component: (-scores[component], component))),
        scores=scores,
        activation={component: peaks[component] for component in scores},
        class_part={each: class_part.get(each, 0.0) if split else math.nan for each in scores},
        patch_part={each: scores[each] - class_part.get(each, 0.0) if split else math.nan for each in scores},
        other=account.other,
        bias=account.bias,
        error=account.error,
        constant=account.constant,
        grid=cut.model.grid if isinstance(cut.model, Clip) else math.isqrt(seen.activations.shape[1] - 1),
        per_token=account.per_token,
    )
