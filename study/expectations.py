"""What participants expected of their acts, scored against what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.types import Prediction
from study.acts import Expectation
from study.attempts import attempt_in
from study.preview_events import InterventionPredicted
from study.records import Record
from study.script.tasks import Expect

SMALLEST = 0.01  # a change of a probability that is less than this either way is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An answer to what a step will do; what was not asked for is None."""

    direction: str | None = None
    top1: str | None = None
    probability: float | None = None
    confidence: float | None = None
    hypothesis: str = ""


def lacking(said: Expectation | None, expect: Expect | None, records: Sequence[Record], task: str) -> tuple[str, ...]:
    """What is to be said before the next step at `task` and is not in `said`; empty where nothing is asked for."""
    attempt = attempt_in(records, task)
    number = 1 + (attempt.steps if attempt else 0)
    if expect is None or number not in expect.before:
        return ()
    return tuple(part for part in expect.ask if said is None or getattr(said, part) in (None, ""))


def scored(
    expected: Expected, before: Prediction, after: Prediction, *, task: str, attempt: int
) -> InterventionPredicted:
    """The row of an expectation about the class that was most probable before."""
    label = before.top
    then, now = (one.probs[one.labels.index(label)] for one in (before, after))
    change = now - then
    came = "same" if abs(change) < SMALLEST else "up" if change > 0 else "down"
    right = None if expected.top1 is None else expected.top1 == after.top
    known = expected.probability is not None and right is not None
    return InterventionPredicted(
        task=task,
        attempt=attempt,
        label=label,
        direction=expected.direction,
        top1=expected.top1,
        probability=expected.probability,
        confidence=expected.confidence,
        hypothesis=expected.hypothesis,
        direction_came=came,
        top1_came=after.top,
        direction_right=None if expected.direction is None else expected.direction == came,
        top1_right=right,
        brier=((expected.probability or 0.0) - bool(right)) ** 2 if known else None,
    )
