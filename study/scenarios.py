"""The scenarios of an attempt, folded from the log: which are kept, under which names, with what the model said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.types import SteeringPlan
from study.acts import ActRefused
from study.predictions import Shown
from study.records import Record
from study.scenario_events import ScenarioDeleted, ScenarioRenamed, ScenarioSaved
from study.task_events import TaskStarted


@dataclass(frozen=True, slots=True)
class Scenario:
    """One plan that is kept: the id of the row that it was saved by, its name now, and what the model said of it."""

    id: str
    title: str
    shown: Shown


def scenarios_in(records: Iterable[Record], task: str) -> tuple[Scenario, ...]:
    """The scenarios of the last attempt at `task`, oldest first."""
    kept: dict[str, Scenario] = {}
    for record in records:
        match record.event:
            case TaskStarted() as event if event.task == task:
                kept = {}
            case ScenarioSaved() as event if event.task == task:
                kept[record.event_id] = Scenario(record.event_id, event.title, event.after)
            case ScenarioRenamed() as event if event.task == task and event.scenario in kept:
                kept[event.scenario] = replace(kept[event.scenario], title=event.title)
            case ScenarioDeleted() as event if event.task == task:
                kept.pop(event.scenario, None)
            case _:
                pass
    return tuple(kept.values())


def plan_kept(records: Iterable[Record], task: str, name: str) -> SteeringPlan | None:
    """The plan of the scenario that `name` is the id of, None where there is none such."""
    return next((one.shown.plan for one in scenarios_in(records, task) if one.id == name), None)


def scenario_in(records: Iterable[Record], task: str, name: str) -> Scenario:
    """The scenario that `name` is the id of.

    Raises:
        ActRefused: there is none, or no more.
    """
    found = next((one for one in scenarios_in(records, task) if one.id == name), None)
    if found is None:
        raise ActRefused("A scenario was asked for that is not kept, or no longer; choose one of those in the list.")
    return found
