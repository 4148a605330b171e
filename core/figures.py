"""Figures of one dictionary at work: predictions from its reconstruction, what its error does to them, and speeds."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from core.attribution import attribute
from core.bundle import Bundle
from core.model import Clip
from core.ripple import ReferenceSet, ripple
from core.sae import SparseAutoencoder
from core.steering import Look, look, steer
from core.types import Edit, Rate, SteeringPlan, View

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""

_AT_ONCE = 32
_TURNS, _RIPPLES = 9, 3


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the model says when the reconstruction alone, without the error, goes on in place of the activations.

    `agreement` is the share of pictures whose top label stays; `cosine` the mean cosine of the two embeddings.
    """

    accuracy: Rate
    accuracy_rebuilt: Rate
    agreement: Rate
    cosine: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@torch.no_grad()
def rebuilt(model: Clip, sae: SparseAutoencoder, reference: ReferenceSet, *, progress: Progress) -> Rebuilt:
    """Predictions over a reference set, as they are and from the reconstruction."""
    truth = torch.tensor([model.labels.index(reference.labels[each]) for each in reference.truth])
    clean, again, cosines = [], [], []
    for start in range(0, len(truth), _AT_ONCE):
        x = reference.activations[start : start + _AT_ONCE]
        before = reference.embeddings[start : start + _AT_ONCE]
        after = model.embedding(sae.decode(sae.encode(x), at=x), exact=False)
        cosines += functional.cosine_similarity(before, after, dim=-1).tolist()
        clean.append(model.classify(before).argmax(dim=-1).cpu())
        again.append(model.classify(after).argmax(dim=-1).cpu())
        progress("rebuilding the pictures", min(len(truth), start + _AT_ONCE), len(truth))
    before, after = torch.cat(clean), torch.cat(again)
    return Rebuilt(
        _rate(before == truth), _rate(after == truth), _rate(before == after), float(np.mean(np.array(cosines)))
    )


def error_shares(model: Clip, sae: SparseAutoencoder, looks: Sequence[Look]) -> tuple[float, ...]:
    """Deciles, from the least to the greatest, of what the error has in a prediction: 1 - its explained share.

    By the exact view where the answer is read from one token, else by code times gradient.
    """
    view = View.EXACT if model.reads_one_token else View.GRADIENT
    found = [1 - attribute(model, sae, seen, seen.clean.ranked[0], view=view).explained_share for seen in looks]
    sound = [share for share in found if not math.isnan(share)]
    return tuple(np.quantile(sound, np.linspace(0, 1, 11)).tolist()) if sound else ()


def speeds(bundle: Bundle, picture: Path, *, progress: Progress) -> dict[str, float]:
    """Median milliseconds of a look at one picture, of steering it, and of a ripple over the reference set."""
    model, sae = bundle.model, bundle.sae
    pixels = model.pixels(picture)
    seen = look(model, sae, pixels)
    totals = seen.codes.totals() or {0: 1.0}
    plan = SteeringPlan((Edit(max(totals, key=lambda component: totals[component])),))
    acts: dict[str, tuple[int, Callable[[], object]]] = {
        "look": (_TURNS, lambda: look(model, sae, pixels)),
        "steer": (_TURNS, lambda: steer(model, sae, seen, plan)),
        "ripple": (_RIPPLES, lambda: ripple(model, sae, bundle.reference, plan)),
    }
    found: dict[str, float] = {}
    for place, (name, (turns, act)) in enumerate(acts.items()):
        found[name] = _median_ms(act, turns)
        progress("taking times", place + 1, len(acts))
    return found


def _median_ms(act: Callable[[], object], turns: int) -> float:
    act()  # the first one pays for memory and threads
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def _rate(hits: torch.Tensor) -> Rate:
    return Rate(int(hits.sum()), len(hits))
