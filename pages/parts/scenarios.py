"""The scenarios of an attempt as the workspace shows them: what each edits, and what the model said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.types import Prediction, SteeringPlan
from pages.parts.here import Here
from pages.parts.opened import Opened
from pages.parts.settings import setting
from study.bench import Seen
from study.history import History
from study.keeping import MOST_KEPT
from study.records import Record
from study.scenario_events import InterventionRecalled, ScenarioDeleted, ScenarioRenamed, ScenarioSaved
from study.scenarios import scenarios_in
from study.steering_events import InterventionCompared, ModelPredicted

CLASSES = 6
_KEEPING = (ScenarioSaved, ScenarioRenamed, ScenarioDeleted)
_BESIDE = (InterventionRecalled, ModelPredicted)  # they leave the list as open as it was


def scenarios_board(who: Here, opened: Opened, history: History, seen: Seen) -> dict[str, Any] | None:
    """What is kept, the model untouched and what stands, each to be put beside another; None without the tool."""
    if "scenarios" not in who.place.tools:
        return None
    task, labels = str(who.place.task), opened.model.labels
    kept = scenarios_in(who.records, task)
    clean = opened.seen.clean
    states = [("original", "", clean, SteeringPlan()), ("standing", "", seen.prediction, history.plan)]
    states += [(one.id, one.title, one.shown.prediction(labels), one.shown.plan) for one in kept]
    ranks = {label: max(said.prob(label) for _, _, said, _ in states) for label in labels}
    classes = list(dict.fromkeys((opened.target, opened.against, *sorted(labels, key=lambda label: -ranks[label]))))
    pair, is_open = _looked_at(who.records, task, {name for name, *_ in states})
    return {
        "states": [_state(opened, classes[:CLASSES], *each) for each in states],
        "classes": classes[:CLASSES],
        "pair": pair,
        "open": is_open,
        "most": MOST_KEPT,
    }


def _state(
    opened: Opened, classes: Sequence[str], name: str, title: str, said: Prediction, plan: SteeringPlan
) -> dict[str, Any]:
    logit = dict(zip(said.labels, said.logits, strict=True))
    return {
        "id": name,
        "title": title,
        "edits": [setting(opened, each) for each in plan],
        "state": opened.pinned.state(plan).id[:16],
        "top": said.top,
        "share": said.prob(said.top),
        "shares": [said.prob(label) for label in classes],
        "margin": logit[opened.target] - logit[opened.against],
    }


def _looked_at(records: Sequence[Record], task: str, there: set[str]) -> tuple[list[str] | None, bool]:
    """The two states put side by side last in this attempt, as far as they are there; whether the list is open."""
    pair: list[str] | None = None
    is_open = False
    for record in records:
        event = record.event
        if getattr(event, "task", None) != task:
            continue
        compared = False
        if isinstance(event, InterventionCompared) and (event.of, event.against) != ("standing", "original"):
            pair, compared = [event.of, event.against], True
        is_open = compared or isinstance(event, _KEEPING) or (is_open and isinstance(event, _BESIDE))
    return (pair if pair and there.issuperset(pair) else None), is_open
