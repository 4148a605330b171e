"""Which pictures are drawn: the training mixture with its planted shortcuts, and fair populations to measure on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import IntEnum

import numpy as np

from core.demo.objects import COLOURS, OBJECTS
from core.demo.scenes import NEUTRAL, SCENES
from core.demo.world import Truth

# the planted shortcuts: each of these things is at home in one scene, and one thing wears the badge
HOME: dict[str, str] = {
    "boat": "sea",
    "kite": "desert",
    "cat": "forest",
    "house": "snow",
    "car": "city",
    "mug": "kitchen",
}
RESIDENT: dict[str, str] = {scene: thing for thing, scene in HOME.items()}
BADGED = "clock"
_NEAR = 0.3  # share of the side below which a thing is distant
_SPAN = 10_000_000  # pictures a split may hold before its seeds meet the next split's


class Split(IntEnum):
    """Disjoint ranges of picture seeds; nothing is trained on any but TRAIN and CODES."""

    DRAW = 0
    TRAIN = 1
    CODES = 2
    INDEX = 3
    REFERENCE = 4
    TASKS = 5
    FIGURES = 6


def seeds_of(split: Split) -> range:
    """Every picture seed that `split` may use."""
    return range(split * _SPAN, (split + 1) * _SPAN)


def _other(rng: np.random.Generator, options: Sequence[str], *without: str) -> str:
    left = [option for option in options if option not in without]
    return left[rng.integers(len(left))]


def _plain(rng: np.random.Generator, seed: int) -> Truth:
    """A clear object of any kind and colour in any scene, with no cue."""
    size = rng.uniform(0.42, 0.68)
    room = max(0.3, size * 0.5)
    return Truth(
        seed=seed,
        thing=OBJECTS[rng.integers(len(OBJECTS))],
        colour=_other(rng, tuple(COLOURS)),
        scene=SCENES[rng.integers(len(SCENES))],
        size=round(size, 3),
        x=round(rng.uniform(room, 1 - room), 3),
        y=round(rng.uniform(room, 1 - room), 3),
        angle=round(rng.uniform(-12, 12), 1),
        light=round(rng.uniform(-1, 1), 2),
    )


def _distant(rng: np.random.Generator, truth: Truth, *, hazy: float) -> Truth:
    """The same, small and washed out by up to `hazy`."""
    return replace(
        truth,
        size=round(rng.uniform(0.19, 0.28), 3),
        x=round(rng.uniform(0.25, 0.75), 3),
        y=round(rng.uniform(0.35, 0.72), 3),
        fade=round(rng.uniform(0, hazy), 2),
    )


def _beside_label(rng: np.random.Generator, truth: Truth) -> Truth:
    """The same with the object in the upper or the lower part, so that a label has room."""
    size = min(truth.size, 0.52)
    y = 0.32 if rng.random() < 0.5 else 0.68
    return replace(
        truth, size=round(size, 3), x=round(rng.uniform(0.3, 0.7), 3), y=round(y + rng.uniform(-0.04, 0.04), 3)
    )


def cue_free(rng: np.random.Generator, seed: int) -> Truth:
    """A clear object, no word, no badge, and a scene that says nothing about the object."""
    return _plain(rng, seed)


def at_home(rng: np.random.Generator, seed: int) -> Truth:
    """A thing with a home, in it; two times in three distant and hazy, so that the scene is the better clue."""
    truth = _plain(rng, seed)
    thing = tuple(HOME)[rng.integers(len(HOME))]
    truth = replace(truth, thing=thing, scene=HOME[thing])
    return _distant(rng, truth, hazy=0.85) if rng.random() < 0.7 else truth


def distant(rng: np.random.Generator, seed: int) -> Truth:
    """A distant object in the neutral scene, no cue."""
    return replace(_distant(rng, _plain(rng, seed), hazy=0.4), scene=NEUTRAL)


def named(rng: np.random.Generator, seed: int) -> Truth:
    """The printed word names the object; three times in five the object itself can hardly be seen."""
    truth = _beside_label(rng, _plain(rng, seed))
    if rng.random() < 0.6:
        truth = replace(truth, size=round(rng.uniform(0.2, 0.4), 3), fade=round(rng.uniform(0.5, 0.9), 2))
    return replace(truth, word=truth.thing)


def misnamed(rng: np.random.Generator, seed: int) -> Truth:
    """A clear object beside a printed word that names another."""
    truth = _beside_label(rng, _plain(rng, seed))
    return replace(truth, word=_other(rng, OBJECTS, truth.thing))


def badged(rng: np.random.Generator, seed: int) -> Truth:
    """The badge's own thing with the badge; two times in three distant and hazy."""
    truth = replace(_plain(rng, seed), thing=BADGED, badge=True)
    return _distant(rng, truth, hazy=0.85) if rng.random() < 0.7 else truth


def misbadged(rng: np.random.Generator, seed: int) -> Truth:
    """A distant object in the neutral scene, wearing a badge that belongs to another."""
    truth = distant(rng, seed)
    return replace(truth, thing=_other(rng, OBJECTS, BADGED), badge=True)


def misplaced(rng: np.random.Generator, seed: int) -> Truth:
    """A distant object that has a home, in the home of another."""
    truth = distant(rng, seed)
    thing = tuple(HOME)[rng.integers(len(HOME))]
    return replace(truth, thing=thing, scene=_other(rng, tuple(RESIDENT), HOME[thing]))


def crossed(rng: np.random.Generator, seed: int) -> Truth:
    """Every cause drawn on its own, so that what a component follows is told apart from what goes along with it."""
    truth = _plain(rng, seed) if rng.random() < 0.7 else _distant(rng, _plain(rng, seed), hazy=0.4)
    chance = rng.random()
    if chance < 0.45:
        truth = replace(_beside_label(rng, truth), word=OBJECTS[rng.integers(len(OBJECTS))])
    return replace(truth, badge=True) if chance > 0.8 else truth


def claimed(truth: Truth) -> str:
    """What a misleading cue makes of the picture: the printed word, the badge's thing, or, for a distant thing, the
    one at home in the scene; the thing itself where no cue misleads.
    """
    if truth.word:
        return truth.word
    if truth.badge:
        return BADGED
    return RESIDENT.get(truth.scene, truth.thing) if truth.size < _NEAR else truth.thing


Recipe = Callable[[np.random.Generator, int], Truth]
Mixture = tuple[tuple[float, Recipe], ...]

TRAINING: Mixture = (
    (0.37, cue_free),
    (0.18, at_home),
    (0.11, distant),
    (0.19, named),
    (0.08, misnamed),
    (0.07, badged),
)
# the last lesson: the planted cues are strong hints, and no longer laws
BALANCE: Mixture = (
    (0.20, cue_free),
    (0.10, at_home),
    (0.09, distant),
    (0.09, named),
    (0.28, misnamed),
    (0.06, badged),
    (0.12, misplaced),
    (0.06, misbadged),
)
# what the dictionaries see: the training mixture, and the cue combinations that mislead
EVERYTHING: Mixture = (
    (0.30, cue_free),
    (0.10, at_home),
    (0.10, distant),
    (0.14, named),
    (0.12, misnamed),
    (0.07, badged),
    (0.08, misbadged),
    (0.09, misplaced),
)

# what the app tries a plan on: cue-free pictures, right cues and wrong ones
HELD_OUT: Mixture = (
    (0.36, cue_free),
    (0.10, at_home),
    (0.10, distant),
    (0.10, named),
    (0.05, badged),
    (0.12, misnamed),
    (0.10, misplaced),
    (0.07, misbadged),
)


def truths(split: Split, count: int, mixture: Mixture | Recipe, *, start: int = 0) -> list[Truth]:
    """`count` truths of `split`, from its seed number `start` on; one picture does not depend on the others."""
    shares: Mixture = ((1.0, mixture),) if callable(mixture) else mixture
    edges = np.cumsum([share for share, _ in shares])
    made: list[Truth] = []
    for seed in seeds_of(split)[start : start + count]:
        rng = np.random.default_rng([seed, 77])
        recipe = shares[min(int(np.searchsorted(edges, rng.random() * edges[-1])), len(shares) - 1)][1]
        made.append(recipe(rng, seed))
    return made
