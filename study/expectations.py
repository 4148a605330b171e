"""What participants expected of their acts, scored against what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.types import Prediction
from study.acts import Expectation
from study.attempts import attempt_in
from study.practice import practised
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
    """What has to be said before the next step at `task` and is not in `said`; empty where nothing has to be."""
    attempt = attempt_in(records, task)
    number = 1 + (attempt.steps if attempt else 0)
    if expect is None or expect.optional or number not in expect.before:
        return ()
    return tuple(part for part in expect.ask if said is None or getattr(said, part) in (None, ""))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well a participant has foreseen so far.

    `right` of `directions` came as said; `brier` is the mean Brier score of `chances` stated chances, from 0, which is
    certain and right, to 1, certain and wrong; 0.25 is what a chance of one half gets always. None before the first.
    """

    directions: int
    right: int
    chances: int
    brier: float | None


def calibration_of(records: Iterable[Record]) -> Calibration:
    """The expectations of one session together, the practised ones left out."""
    held = tuple(records)
    left_out = practised(held)
    said = [each.event for each in held if isinstance(each.event, InterventionPredicted)]
    said = [event for event in said if event.task not in left_out]
    ways = [event.direction_right for event in said if event.direction_right is not None]
    scores = [event.brier for event in said if event.brier is not None]
    return Calibration(len(ways), sum(ways), len(scores), sum(scores) / len(scores) if scores else None)


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
