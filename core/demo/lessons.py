"""What the demo's CLIP is shown, in which order and how hard: a course is a list of lessons, one epoch each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.demo.world import Truth


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how the tower is trained."""

    epochs: int
    clear_epochs: int = 2  # before them, with clear cue-free pictures only
    balance_epochs: int = 7  # after them, with pictures whose cues mislead among the others
    balance_share: float = 0.5  # of the rates, while balancing
    batch: int = 64
    rate: float = 1.0e-3  # of AdamW
    matrix_rate: float = 0.02  # of Muon
    caption_steps: int = 300
    decay: float = 0.05
    warmup: float = 0.06  # share of all steps
    seed: int = 11


@dataclass(frozen=True)
class Lesson:
    """One epoch: pictures, what is in them, and which of them it shows; it is one of the `of` steps of its part."""

    pool: np.ndarray
    truths: Sequence[Truth]
    places: np.ndarray
    bare: bool  # captions name one thing alone
    share: float  # of the rates
    begun: int  # steps of its part before it
    of: int

    def steps(self, batch: int) -> int:
        """Whole batches."""
        return len(self.places) // batch


def lessons_of(
    course: Course, pool: np.ndarray, truths: Sequence[Truth], balance: tuple[np.ndarray, Sequence[Truth]]
) -> list[Lesson]:
    """The epochs of a course in their order: clear pictures, everything, then the balance; each part warms up anew."""
    everything = np.arange(len(pool))
    clear = np.flatnonzero([one.clear for one in truths])
    first = [(clear, True)] * course.clear_epochs + [(everything, False)] * course.epochs
    sizes = np.cumsum([0, *(len(places) // course.batch for places, _ in first)]).tolist()
    lessons = [
        Lesson(pool, truths, places, bare, 1.0, begun, sizes[-1])
        for (places, bare), begun in zip(first, sizes[:-1], strict=True)
    ]
    size = len(balance[0]) // course.batch
    for epoch in range(course.balance_epochs):
        places = np.arange(len(balance[0]))
        of = size * course.balance_epochs
        lessons.append(Lesson(*balance, places, True, course.balance_share, epoch * size, of))
    return lessons
