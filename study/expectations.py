"""What participants expected of their acts, scored against what came of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from core.types import Prediction, Rate
from study.preview_events import InterventionPredicted
from study.records import Record

SMALLEST = 0.01  # a change of a probability that is less than this either way is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An answer to what a step will do; what was not asked for is None."""

    direction: str | None = None
    top1: str | None = None
    probability: float | None = None
    confidence: float | None = None
    hypothesis: str = ""


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


@dataclass(slots=True)
class Expectations:
    """How often participants were right about what their steps would do."""

    directions: list[bool] = field(default_factory=list[bool])
    top1: list[bool] = field(default_factory=list[bool])
    brier: list[float] = field(default_factory=list[float])

    def add(self, records: Iterable[Record]) -> None:
        """Take one session in."""
        for record in records:
            event = record.event
            if not isinstance(event, InterventionPredicted):
                continue
            self.directions += [] if event.direction_right is None else [event.direction_right]
            self.top1 += [] if event.top1_right is None else [event.top1_right]
            self.brier += [] if event.brier is None else [event.brier]

    def plain(self) -> dict[str, Any]:
        """Shares with their Wilson 95 % intervals; the mean Brier score, 0 at best, None without any."""
        return {
            "direction_right": _rate(self.directions),
            "top1_right": _rate(self.top1),
            "mean_brier": sum(self.brier) / len(self.brier) if self.brier else None,
            "brier_scores": len(self.brier),
        }


def _rate(right: list[bool]) -> dict[str, float | int | None]:
    rate = Rate(sum(right), len(right))
    value = rate.value if right else None
    return {"hits": sum(right), "of": len(right), "value": value, "low": rate.low, "high": rate.high}
