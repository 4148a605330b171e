"""A few suppressions chosen on one half of some pictures and measured on the other, beside shams of the same size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.codes import Codes
from core.difference import difference
from core.faithfulness import Interval
from core.model import Clip
from core.overview.shares import Shares
from core.proposals import plan_of
from core.ripple import TOKENS_AT_ONCE, ReferenceSet, planned, ripple, sham
from core.sae import SparseAutoencoder
from core.types import Rate, Ripple

MOST = 5  # suppressions, as in core.repair
SCREENED = 12  # components tried in each round
SHAMS = 8  # shams, each drawn with a seed of its own
LEAST = 3  # pictures to measure on; fewer say nothing
FEWEST = 2 * LEAST - 1  # pictures that leave as many once the others were chosen on
WORTH = 0.05  # of the deficit at the start: what a suppression has to take away to be taken up


@dataclass(frozen=True, slots=True)
class Trial:
    """What suppressing `components`, chosen on `chosen` pictures, did to the pictures `measured`, met only afterwards.

    `moved` counts those that turned right, or wrong where pictures that were right were asked about; `sham` the same
    for shams of equal size (the mean of `SHAMS` draws, rounded up; `shams` has each) and `more` the first share less
    the second. `broken` is over all right pictures, none of which took part in the choice, or those of other classes.
    `after` is what the model says of the measured pictures under the plan.
    """

    components: tuple[int, ...]
    chosen: tuple[int, ...]
    measured: tuple[int, ...]
    moved: Rate
    sham: Rate
    shams: tuple[int, ...]
    more: Interval
    broken: Rate
    after: tuple[int, ...]

    @property
    def beyond_sham(self) -> bool:
        """Whether the plan does surely more than a sham: the interval of the difference lies above 0."""
        return self.more.low > 0


def halves(places: Sequence[int], seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The smaller half, to choose on, and the other, to measure on; both ascending."""
    order = np.random.default_rng(seed).permutation(np.sort(np.asarray(places, dtype=int)))
    middle = len(order) // 2
    return tuple(sorted(order[:middle].tolist())), tuple(sorted(order[middle:].tolist()))


def repairing(
    model: Clip,
    sae: SparseAutoencoder,
    reference: ReferenceSet,
    shares: Shares,
    places: Sequence[int],
    *,
    among: Callable[[Sequence[int]], Sequence[int]],
    seed: int,
) -> Trial | None:
    """Which few suppressions put failing pictures right; None where there are too few, or nothing to suppress.

    Args:
        among: the components to choose from, by the pictures to choose on.
    """
    choose, measure = halves(places, seed)
    if len(measure) < LEAST or not choose:
        return None
    components = choose_repair(model, sae, picked(reference, choose), shares.truth[list(choose)], among(choose))
    if not components:
        return None
    return tried(model, sae, reference, shares, components, choose, measure, seed)


def tried(
    model: Clip,
    sae: SparseAutoencoder,
    reference: ReferenceSet,
    shares: Shares,
    components: Sequence[int],
    choose: Sequence[int],
    measure: Sequence[int],
    seed: int,
) -> Trial:
    """Suppress `components` in the pictures `measure`, all of them wrong or all of them right, and count."""
    plan, held = plan_of(components), picked(reference, measure)
    everywhere = ripple(model, sae, reference, plan)
    wrong = bool(shares.wrong[measure[0]])
    after = tuple(everywhere.after[each] for each in measure)
    truth = shares.truth[list(measure)].tolist()
    moved = Rate(sum((now == right) == wrong for now, right in zip(after, truth, strict=True)), len(measure))
    shams = tuple(_moved(sham(model, sae, held, plan, seed=seed + each), wrong) for each in range(SHAMS))
    even = Rate(-(-sum(shams) // SHAMS), len(measure))
    own = {int(each) for each in truth}
    right = [place for place in np.flatnonzero(~shares.wrong).tolist() if wrong or int(shares.truth[place]) not in own]
    lost = sum(everywhere.after[place] != shares.truth[place] for place in right)
    return Trial(
        components=tuple(sorted(components)),
        chosen=tuple(choose),
        measured=tuple(measure),
        moved=moved,
        sham=even,
        shams=shams,
        more=Interval(*difference(moved, even)),
        broken=Rate(int(lost), len(right)),
        after=after,
    )


def choose_repair(
    model: Clip, sae: SparseAutoencoder, reference: ReferenceSet, truth: np.ndarray, candidates: Sequence[int]
) -> tuple[int, ...]:
    """Up to `MOST` of `candidates` whose suppression leaves the right classes of these pictures least behind.

    One is added at a time, the one that leaves the least mean deficit (how far the right class is behind the best
    other, 0 where it leads), by steered passes; what turns out not to be needed is taken back, as in `core.repair`.
    """
    kept: list[int] = []
    (start,) = _deficits(model, sae, reference, [kept], truth)
    least = start
    while len(kept) < MOST and least > 0:
        left = [each for each in candidates[:SCREENED] if each not in kept]
        found = _deficits(model, sae, reference, [[*kept, each] for each in left], truth)
        best = min(zip(found, left, strict=True), default=(least, -1))
        if best[0] > least - WORTH * start:
            break
        least = best[0]
        kept.append(best[1])
    for each in tuple(kept):
        fewer = [other for other in kept if other != each]
        if fewer and _deficits(model, sae, reference, [fewer], truth)[0] <= least:
            kept = fewer
    return tuple(sorted(kept))


@torch.no_grad()
def _deficits(
    model: Clip, sae: SparseAutoencoder, reference: ReferenceSet, sets: Sequence[Sequence[int]], truth: np.ndarray
) -> list[float]:
    """The mean deficit with each of `sets` suppressed."""
    images, tokens, width = reference.activations.shape
    right = torch.as_tensor(truth, device=reference.activations.device)[:, None]
    found: list[float] = []
    step = max(1, TOKENS_AT_ONCE // (images * tokens))
    for first in range(0, len(sets), step):
        some = sets[first : first + step]
        x = reference.activations.repeat(len(some), 1, 1)
        for place, components in enumerate(some):
            shift = planned(sae, reference, plan_of(components))
            x.view(-1, width)[shift.rows + place * images * tokens] += shift.delta
        logits = model.logits(x, exact=False).view(len(some), images, -1)
        lead = logits.gather(2, right.expand(len(some), -1, -1))[..., 0]
        rival = logits.scatter(2, right.expand(len(some), -1, -1), -torch.inf).amax(dim=2)
        found += (rival - lead).clamp_min(0).double().mean(dim=1).tolist()
    return found


def _moved(found: Ripple, wrong: bool) -> int:
    return found.fixed if wrong else found.broken


def picked(reference: ReferenceSet, places: Sequence[int]) -> ReferenceSet:
    """The pictures at `places`, ascending, as a reference set of their own."""
    codes, (_, tokens, size) = reference.codes, reference.codes.shape
    chosen = torch.tensor(sorted(places), device=codes.rows.device)
    image = codes.rows.long() // tokens
    place = torch.searchsorted(chosen, image).clamp_max(len(chosen) - 1)
    mine = chosen[place] == image
    rows: Tensor = (place[mine] * tokens + codes.rows[mine].long() % tokens).int()
    return ReferenceSet(
        reference.activations[chosen],
        Codes(rows, codes.components[mine], codes.values[mine], (len(chosen), tokens, size)),
        reference.embeddings[chosen],
        reference.labels,
        tuple(reference.truth[each] for each in chosen.tolist()),
        tuple(reference.names[each] for each in chosen.tolist()),
    )
