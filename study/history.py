"""The plan of an attempt, folded from the log: what stands, what undo and redo would do, what was last predicted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.types import SteeringPlan
from study.records import Record
from study.steering_events import (
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import TaskStarted


@dataclass(frozen=True, slots=True)
class Past:
    """An intervention that can be taken back or done again, and the plan to go to then."""

    event_id: str
    plan: SteeringPlan


@dataclass(frozen=True, slots=True)
class History:
    """The plan of one attempt with what undo and redo would do, nearest last."""

    plan: SteeringPlan = field(default_factory=SteeringPlan)
    past: tuple[Past, ...] = ()
    future: tuple[Past, ...] = ()


def history_in(records: Iterable[Record], task: str) -> History:
    """Plan, undo and redo of the last attempt at `task`.

    Undo goes to the plan before the last standing intervention, a reset included; redo undoes an undo; a new
    intervention leaves nothing to redo.
    """
    now = History()
    for record in records:
        now = followed(now, record, task)
    return now


def followed(now: History, record: Record, task: str) -> History:
    """`now` after one more row; the step of `history_in`."""
    match record.event:
        case TaskStarted() as event if event.task == task:
            return History()
        case (InterventionApplied() | InterventionReset()) as event if event.task == task:
            return History(event.after.plan, (*now.past, Past(record.event_id, now.plan)), ())
        case InterventionUndone() as event if event.task == task and now.past:
            last = now.past[-1]
            return History(event.after.plan, now.past[:-1], (*now.future, Past(last.event_id, now.plan)))
        case InterventionRedone() as event if event.task == task and now.future:
            following = now.future[-1]
            return History(event.after.plan, (*now.past, Past(following.event_id, now.plan)), now.future[:-1])
        case _:
            return now


def plan_in(records: Iterable[Record], task: str) -> SteeringPlan:
    """The plan that stands for `task` after `records`."""
    return history_in(records, task).plan


def predicted_in(records: Iterable[Record], task: str) -> ModelPredicted | None:
    """The last prediction logged for `task`, or None before the first."""
    found: ModelPredicted | None = None
    for record in records:
        if isinstance(record.event, ModelPredicted) and record.event.task == task:
            found = record.event
    return found
