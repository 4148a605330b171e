"""What the shipped demo can and cannot do, measured on freshly drawn pictures that no part of it has ever seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.bundle import load_instrument
from core.demo.pool import Progress, drawn_pool, silent
from core.demo.recipes import EVERYTHING, Split, cue_free, misbadged, misnamed, misplaced, truths
from core.demo.repair import MOST, picked_plan
from core.demo.scenes import NEUTRAL
from core.demo.training import as_pixels
from core.demo.world import Truth
from core.model import Clip
from core.ripple import ReferenceSet, build_reference, ripple
from core.sae import SparseAutoencoder
from core.steering import Look, steer
from core.types import Prediction, Rate, SteeringPlan

AT_ONCE = 64
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure with its 95 % interval; `met` says whether the value itself reaches its goal."""

    name: str
    value: float
    low: float
    high: float
    goal: float
    met: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """How many fresh pictures each figure is measured on, and how many failures of each kind are repaired."""

    cue_free: int = 400
    misnamed: int = 300
    misplaced: int = 400
    misbadged: int = 300
    everything: int = 400
    repairs: int = 80


@dataclass(frozen=True)
class Shown:
    """Pictures of one population: what is in them, as the model sees them, and what it says they are."""

    truths: tuple[Truth, ...]
    pixels: Tensor
    said: np.ndarray

    def right(self, labels: Sequence[str]) -> np.ndarray:
        """Whether each picture's own thing is the top label."""
        return self.said == np.array([labels.index(one.thing) for one in self.truths])


def without_cue(truth: Truth, kind: str) -> Truth:
    """The same picture with its misleading cue away: no word, no badge, or the neutral scene."""
    return replace(truth, **{"word": {"word": ""}, "badge": {"badge": False}, "scene": {"scene": NEUTRAL}}[kind])


def measure(folder: Path, *, sample: Sample | None = None, progress: Progress = silent) -> tuple[Figure, ...]:
    """All figures of the bundle in `folder`; nothing in it is written to."""
    size = sample or Sample()
    model, spatial, _ = load_instrument(folder, "spatial")
    top, cls, _ = load_instrument(folder, "cls")
    plan: tuple[tuple[str, list[Truth]], ...] = (
        ("cue-free", truths(Split.FIGURES, size.cue_free, cue_free)),
        ("word", truths(Split.FIGURES, size.misnamed, misnamed, start=1_000_000)),
        ("scene", truths(Split.FIGURES, size.misplaced, misplaced, start=2_000_000)),
        ("badge", truths(Split.FIGURES, size.misbadged, misbadged, start=3_000_000)),
        ("everything", truths(Split.FIGURES, size.everything, EVERYTHING, start=4_000_000)),
    )
    sets = dict(plan)
    sets |= {f"{kind} away": [without_cue(one, kind) for one in sets[kind]] for kind in ("word", "scene", "badge")}
    shown = populations(model, sets, progress=progress)
    figures = [*_cue_figures(model, shown)]
    for name, where, sae in (("spatial", model, spatial), ("cls", top, cls)):
        figures += _dictionary_figures(name, where, sae, shown["everything"].pixels)
    return (*figures, *_repair_figures(model, spatial, shown, size.repairs, progress))


def populations(model: Clip, sets: dict[str, list[Truth]], *, progress: Progress = silent) -> dict[str, Shown]:
    """Draw every set and ask the model."""
    every = [one for some in sets.values() for one in some]
    pool = drawn_pool(every, stage="drawing fresh pictures", progress=progress)
    found, start = {}, 0
    for name, some in sets.items():
        pixels = as_pixels(pool[start : start + len(some)])
        start += len(some)
        said = [model.logits(model.activations(part)).argmax(1) for part in pixels.split(AT_ONCE)]
        found[name] = Shown(tuple(some), pixels, torch.cat(said).numpy() if said else np.zeros(0, int))
    return found


def failures(labels: Sequence[str], wrong: Shown, away: Shown) -> list[int]:
    """Pictures that are right without the cue and wrong with it."""
    return [int(index) for index in np.flatnonzero(away.right(labels) & ~wrong.right(labels))]


def _cue_figures(model: Clip, shown: dict[str, Shown]) -> list[Figure]:
    labels = model.labels
    named = np.array([labels.index(one.word) for one in shown["word"].truths])
    figures = [
        _share("zero-shot accuracy, no cues, scenes uncorrelated", shown["cue-free"].right(labels), 0.85),
        _share("a wrong printed word flips the prediction to that word", shown["word"].said == named, 0.60),
    ]
    for kind, what in (
        ("scene", "a wrong scene breaks the prediction (distant object with a home, in another's home)"),
        ("badge", "the badge breaks the prediction (distant object, neutral scene)"),
    ):
        was_right = shown[f"{kind} away"].right(labels)
        figures.append(_share(what, ~shown[kind].right(labels)[was_right], 0.30))
    return figures


@torch.no_grad()
def _dictionary_figures(name: str, model: Clip, sae: SparseAutoencoder, pixels: Tensor) -> list[Figure]:
    """Explained variance (pooled over the tokens it speaks for) and agreement of the top label."""
    x = torch.cat([model.activations(part) for part in pixels.split(AT_ONCE)])
    rebuilt = torch.cat([sae.decode(sae.encode(part), at=part) for part in x.split(AT_ONCE)])
    same = torch.cat(
        [
            model.logits(one).argmax(1) == model.logits(two).argmax(1)
            for one, two in zip(x.split(AT_ONCE), rebuilt.split(AT_ONCE), strict=True)
        ]
    )
    if sae.convention.tokens == "cls":
        x, rebuilt = x[:, :1], rebuilt[:, :1]
    left = (x - rebuilt).double().square().sum((1, 2)).numpy()
    about = (x - x.mean((0, 1))).double().square().sum((1, 2)).numpy()
    draws = np.random.default_rng(0).integers(0, len(left), (_RESAMPLES, len(left)))
    spread = 1 - left[draws].sum(1) / about[draws].sum(1)
    low, high = np.quantile(spread, (0.025, 0.975))
    value = 1 - float(left.sum() / about.sum())
    return [
        Figure(f"explained variance, {name} dictionary", value, float(low), float(high), 0.95, value >= 0.95),
        _share(f"top label of the reconstruction is the model's, {name} dictionary", same.numpy(), 0.97),
    ]


def _repair_figures(
    model: Clip, sae: SparseAutoencoder, shown: dict[str, Shown], most: int, progress: Progress
) -> list[Figure]:
    labels = model.labels
    everything = shown["everything"]
    held = np.flatnonzero(everything.right(labels))
    names = [str(index) for index in held]
    reference = (
        build_reference(model, sae, everything.pixels[held].split(AT_ONCE), everything.said[held].tolist(), names)
        if names
        else None
    )
    repaired: list[Figure] = []
    broken: list[float] = []
    chosen = {kind: failures(labels, shown[kind], shown[f"{kind} away"])[:most] for kind in ("word", "scene", "badge")}
    done, steps = 0, sum(map(len, chosen.values()))
    for kind, places in chosen.items():
        mended = []
        for place in places:
            plan, after = repaired_by(model, sae, shown[kind].pixels[place : place + 1])
            mended.append(after.top == shown[kind].truths[place].thing)
            if reference is not None:
                broken.append(harm(model, sae, reference, plan))
            done += 1
            progress("repairing failures", done, steps)
        name = f"suppressing at most {MOST} components repairs a failure by a wrong {kind}"
        repaired.append(_share(name, np.array(mended, bool), 0.60))
    name = "such a repair breaks of the correct held-out pictures, on average"
    return [*repaired, _mean(name, broken, 0.05)]


def repaired_by(model: Clip, sae: SparseAutoencoder, pixels: Tensor) -> tuple[SteeringPlan, Prediction]:
    """The plan that attribution alone picks for one picture, and what the model says under it."""
    activations = model.activations(pixels)
    seen = Look(activations, sae.encode(activations), model.predict(activations))
    plan = picked_plan(model, sae, seen)
    return plan, steer(model, sae, seen, plan).prediction


def harm(model: Clip, sae: SparseAutoencoder, reference: ReferenceSet, plan: SteeringPlan) -> float:
    """The share of a reference set of correct pictures that `plan` makes wrong."""
    return ripple(model, sae, reference, plan).broken_rate.value


def _share(name: str, hits: np.ndarray, goal: float) -> Figure:
    rate = Rate(int(hits.sum()), len(hits))
    return Figure(name, rate.value, rate.low, rate.high, goal, rate.value >= goal)


def _mean(name: str, values: Sequence[float], most: float) -> Figure:
    """A mean that should not exceed `most`, with a bootstrap interval."""
    if not values:
        return Figure(name, math.nan, 0.0, 1.0, most, False)
    held = np.asarray(values)
    draws = np.random.default_rng(0).integers(0, len(held), (_RESAMPLES, len(held)))
    low, high = np.quantile(held[draws].mean(1), (0.025, 0.975))
    return Figure(name, float(held.mean()), float(low), float(high), most, float(held.mean()) <= most)
