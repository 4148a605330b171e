"""What was measured as plain values, with None where a number is not finite: JSON has no NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from core.faithfulness import Interval
from core.overview.members import Over
from core.overview.trials import Trial
from core.types import Rate


def trial_as(
    trial: Trial | None,
    named: Callable[[int], str],
    names: Callable[[Sequence[int]], list[str]],
    labels: Sequence[str],
) -> dict[str, Any] | None:
    """A trial with the names of its components, pictures and classes."""
    if trial is None:
        return None
    return {
        "components": [{"component": each, "name": named(each)} for each in trial.components],
        "chosen": names(trial.chosen),
        "measured": names(trial.measured),
        "moved": rate(trial.moved),
        "sham": rate(trial.sham),
        "shams": list(trial.shams),
        "more": span(trial.more),
        "broken": rate(trial.broken),
        "after": [labels[each] for each in trial.after],
        "beyond_sham": trial.beyond_sham,
    }


def over_as(over: Over, named: Callable[[int], str]) -> dict[str, Any]:
    """A component that more pictures have here than elsewhere, with its name."""
    return {
        "component": over.component,
        "name": named(over.component),
        "active": rate(over.active),
        "elsewhere": rate(over.elsewhere),
        "more": span(over.more),
    }


def span(interval: Interval) -> dict[str, float | None]:
    """A value and its interval."""
    return {name: sound(value) for name, value in asdict(interval).items()}


def rate(share: Rate) -> dict[str, Any]:
    """A share, what it is of, and its interval."""
    return {name: sound(value) for name, value in asdict(share).items()}


def mean(values: np.ndarray) -> float | None:
    """The mean of those that are numbers; None where there are none."""
    found = values[~np.isnan(values)]
    return float(found.mean()) if len(found) else None


def sound(value: Any) -> Any:
    """None in place of a number that is not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
