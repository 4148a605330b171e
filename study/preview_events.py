"""Events beside an intervention: what was expected of it, and what was passed through on the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.types import Scope
from study.happening import Cell, InTask
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionPredicted(InTask):
    """What the participant expected of the act that this row belongs to, scored once the model had answered.

    `direction` is of `label`'s probability: up, down or same. `probability`, from 0 to 1, is the chance that the
    participant gave to `top1` being the most probable class; `brier` is the square of its distance from what came,
    1 or 0 (Brier 1950). `confidence`, from 0 to 100, is in the hypothesis. What was not asked for is None.
    """

    name: ClassVar[str] = "intervention.predicted"
    results: ClassVar[frozenset[str]] = frozenset(
        {"label", "direction_came", "top1_came", "direction_right", "top1_right", "brier"}
    )
    label: str | None = None
    direction: str | None = None
    top1: str | None = None
    probability: Real | None = None
    confidence: Real | None = None
    hypothesis: str = ""
    direction_came: str | None = None
    top1_came: str | None = None
    direction_right: bool | None = None
    top1_right: bool | None = None
    brier: Real | None = None

    def cells(self) -> dict[str, Cell]:
        return {
            "expected_label": self.label,
            "expected_direction": self.direction,
            "expected_top1": self.top1,
            "expected_probability": self.probability,
            "confidence": self.confidence,
            "hypothesis": self.hypothesis or None,
            "direction_came": self.direction_came,
            "top1_came": self.top1_came,
            "direction_right": self.direction_right,
            "top1_right": self.top1_right,
            "brier": self.brier,
        }

    def said(self) -> tuple[str, ...]:
        return (self.hypothesis,)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionPreviewed(InTask):
    """A value that a control passed through while it was dragged and rested at for a moment; never coded."""

    name: ClassVar[str] = "intervention.previewed"
    results: ClassVar[frozenset[str]] = frozenset({"after_state_id", "top1", "top1_probability"})
    component: int
    tool: str
    value: Real
    unit: str
    scope: Scope = Scope.ACTIVE
    patches: tuple[int, ...] = ()
    after_state_id: str | None = None  # the state that was previewed, where the model was asked
    top1: str | None = None
    top1_probability: Real | None = None

    def target(self) -> str | None:
        return f"component/{self.component}"

    def state_ids(self) -> tuple[str | None, str | None]:
        return None, self.after_state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "component": self.component,
            "tool": self.tool,
            "value": self.value,
            "unit": self.unit,
            "scope": self.scope.value,
            "patches": " ".join(map(str, self.patches)) or None,
            "top1_after": self.top1,
            "top1_probability_after": self.top1_probability,
        }
