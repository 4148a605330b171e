"""Several edits together against the same edits one by one: what they do to the margin that one alone does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.types import Prediction, SteeringPlan


@dataclass(frozen=True, slots=True)
class Joint:
    """Changes of a margin, in logits: of all edits together, and the sum of each alone."""

    together: float
    apart: float

    @property
    def interaction(self) -> float:
        """What only their being together does; 0 where effects simply add up."""
        return self.together - self.apart


def joint_effect(
    predict: Callable[[SteeringPlan], Prediction], plan: SteeringPlan, target: int, against: int
) -> Joint | None:
    """The joint effect of `plan` on the margin of two classes; None below two edits."""
    if len(plan) < 2:
        return None

    def margin(one: SteeringPlan) -> float:
        return predict(one).margin(target, against)

    clean = margin(SteeringPlan())
    return Joint(margin(plan) - clean, sum(margin(SteeringPlan((edit,))) - clean for edit in plan))
