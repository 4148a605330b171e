"""An order of components is faithful when its first few, taken out or put back alone, move the margin most."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from core.accounts import Dissection, ablation, exact, gradient, integrated, screened
from core.attribution import spearman
from core.model import Clip
from core.prompts import refuse_lone_class
from core.sae import SparseAutoencoder
from core.steering import Look
from core.types import TillerError, place_of

KS = (0, 1, 2, 4, 8, 16, 32, 64)
LEAST_RANGE = 0.05  # logits; where codes hold the margin up by less, the scaled curve is noise, or upside down
DRAWS = 1000

Order = Callable[[Dissection], Sequence[int]]


@dataclass(frozen=True)
class Interval:
    """A mean over pictures with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """How one order of components fares, over pictures.

    `deletion[j]` is the margin with the first `ks[j]` components out, `insertion[j]` with those alone in; scaled so
    that no code at all is 0 and all of them 1, reconstruction error and bias kept. Areas are taken over log(1 + k),
    from 0 to 1: low deletion and high insertion are good. `spearman` and `top5` compare the order with the true
    effects of removing the components one by one.
    """

    order: str
    ks: tuple[int, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    deletion_area: Interval
    insertion_area: Interval
    spearman: float
    top5: float
    pictures: int
    left_out: int  # pictures whose codes hold the margin up by less than LEAST_RANGE


def curves(
    model: Clip,
    sae: SparseAutoencoder,
    looks: Sequence[Look],
    *,
    orders: Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Curve, ...]:
    """Deletion and insertion curves of each order over `looks`; the margin is the prediction's over its runner-up.

    Args:
        orders: of exact, gradient, integrated, ablation, activation, random; all that exist at this block by default.
        seed: of the random order and of the bootstrap.
        progress: called with the looks done and the looks in all.

    Raises:
        TillerError: an order that does not exist at this block, or a model with a single class.
    """
    draw = np.random.default_rng(seed)
    known = _orders(model, draw)
    chosen = list(known) if orders is None else list(orders)
    _check(model, chosen, list(known))
    traces: dict[str, list[np.ndarray]] = {order: [] for order in chosen}
    agreed: dict[str, list[tuple[float, float]]] = {order: [] for order in chosen}
    left_out = 0
    for place, seen in enumerate(looks):
        if progress is not None:
            progress(place, len(looks))
        target, against = seen.clean.ranked[:2]
        cut = Dissection.of(model, sae, seen, target, against)
        none, everything = cut.margin_of(torch.stack([cut.x - cut.part, cut.x])).double().tolist()
        if everything - none < LEAST_RANGE:
            left_out += 1
            continue
        effects = ablation(cut, screened(cut)).scores
        for order in chosen:
            ranked = known[order](cut)
            traces[order].append((_trace(cut, ranked) - none) / (everything - none))
            agreed[order].append(_agreement(ranked, effects))
    return tuple(_curve(order, traces[order], agreed[order], left_out, seed) for order in chosen)


def _check(model: Clip, chosen: Sequence[str], known: Sequence[str]) -> None:
    strange = [order for order in chosen if order not in known]
    if strange:
        raise TillerError(
            f"Orders {', '.join(strange)} were asked for; {place_of(model.block)} of {model.name} there are "
            f"{', '.join(known)}: name some of these."
        )
    refuse_lone_class(len(model.labels))


def _orders(model: Clip, draw: np.random.Generator) -> dict[str, Order]:
    orders: dict[str, Order] = {
        "gradient": lambda cut: _by_score(gradient(cut).scores),
        "integrated": lambda cut: _by_score(integrated(cut).scores),
        # what removing one alone does, and where that was not tried its first-order guess: both in logits
        "ablation": lambda cut: _by_score(gradient(cut).scores | ablation(cut, screened(cut)).scores),
        "activation": lambda cut: _by_score(cut.codes.totals()),
        "random": lambda cut: draw.permutation(cut.codes.active()).tolist(),
    }
    if model.reads_one_token:
        orders = {"exact": lambda cut: _by_score(exact(cut).scores), **orders}
    return orders


def _by_score(scores: dict[int, float]) -> list[int]:
    return sorted(scores, key=lambda component: (-scores[component], component))


@torch.no_grad()
def _trace(cut: Dissection, ranked: Sequence[int]) -> Float[np.ndarray, "2 n"]:
    """Margins with the first k out, and with the first k alone in, for k in KS."""
    codes = cut.codes
    place = torch.full((codes.shape[2],), len(ranked), dtype=torch.long)
    place[list(ranked)] = torch.arange(len(ranked))
    place = place.to(codes.components.device)[codes.components.long()]
    held = cut.x - cut.part
    parts = [cut.scale * codes.where(place < k).weigh(cut.sae.dictionary) for k in KS]
    variants = torch.stack([cut.x - part for part in parts] + [held + part for part in parts])
    return cut.margin_of(variants).double().cpu().numpy().reshape(2, len(KS))


def _agreement(ranked: Sequence[int], effects: dict[int, float]) -> tuple[float, float]:
    places = {component: -float(place) for place, component in enumerate(ranked)}
    common = [component for component in effects if component in places]
    rank = spearman([places[each] for each in common], [effects[each] for each in common])
    best = set(_by_score(effects)[:5])
    return rank, len(best & set(ranked[:5])) / max(1, len(best))


def _curve(order: str, traces: list[np.ndarray], agreed: list[tuple[float, float]], left_out: int, seed: int) -> Curve:
    if not traces:
        nothing = Interval(math.nan, math.nan, math.nan)
        blank = (math.nan,) * len(KS)
        return Curve(order, KS, blank, blank, nothing, nothing, math.nan, math.nan, 0, left_out)
    both = np.stack(traces)
    along = np.log1p(KS) / np.log1p(KS[-1])
    areas = np.trapezoid(both, along, axis=-1)
    ranks = [rank for rank, _ in agreed if not math.isnan(rank)]
    return Curve(
        order=order,
        ks=KS,
        deletion=tuple(both[:, 0].mean(axis=0).tolist()),
        insertion=tuple(both[:, 1].mean(axis=0).tolist()),
        deletion_area=_interval(areas[:, 0], seed),
        insertion_area=_interval(areas[:, 1], seed),
        spearman=float(np.mean(ranks)) if ranks else math.nan,
        top5=float(np.mean([share for _, share in agreed])),
        pictures=len(traces),
        left_out=left_out,
    )


def _interval(values: np.ndarray, seed: int) -> Interval:
    draws = np.random.default_rng(seed).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))
