"""The plan of an attempt, folded from the log: what acts, what is muted, what undo and redo would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.types import SteeringPlan
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.records import Record
from study.scenario_events import InterventionRecalled
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import TaskStarted


@dataclass(frozen=True, slots=True)
class Past:
    """An intervention that can be taken back or done again, and the plan to go to then with what is muted there."""

    event_id: str
    plan: SteeringPlan
    muted: SteeringPlan = field(default_factory=SteeringPlan)


@dataclass(frozen=True, slots=True)
class History:
    """The plan of one attempt, which is what acts, with what undo and redo would do, nearest last.

    `muted` holds the edits that are kept and do not act; no component has an edit in both.
    """

    plan: SteeringPlan = field(default_factory=SteeringPlan)
    past: tuple[Past, ...] = ()
    future: tuple[Past, ...] = ()
    muted: SteeringPlan = field(default_factory=SteeringPlan)

    @property
    def newest_first(self) -> tuple[int, ...]:
        """The components that have an edit, muted ones too, by when the edit came to stay; the last to come first."""
        waiting = {edit.component for edit in (*self.plan, *self.muted)}
        found: list[int] = []
        for there in reversed(self.past):
            if not waiting:
                break
            without = waiting - {edit.component for edit in (*there.plan, *there.muted)}
            found += sorted(without)
            waiting -= without
        return (*found, *sorted(waiting))


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
        case InterventionUndone() as event if event.task == task and now.past:
            last = now.past[-1]
            return History(event.after.plan, now.past[:-1], (*now.future, _here(now, last.event_id)), last.muted)
        case InterventionRedone() as event if event.task == task and now.future:
            following = now.future[-1]
            past = (*now.past, _here(now, following.event_id))
            return History(event.after.plan, past, now.future[:-1], following.muted)
        case Intervention() as event if event.task == task:
            muted = muted_after(event, now.muted)
            done = (*now.past, _here(now, record.event_id))
            return now if muted is None else History(event.after.plan, done, (), muted)
        case _:
            return now


def muted_after(event: Intervention, muted: SteeringPlan) -> SteeringPlan | None:
    """What is muted after a new intervention where `muted` was; None where it is none that undo takes back."""
    match event:
        case InterventionApplied() | InterventionUnmuted():
            return muted.without(event.component)
        case InterventionMuted():
            return muted.put(event.edit)
        case InterventionReset() | InterventionRecalled():
            return SteeringPlan()
        case _:
            return None


def _here(now: History, event_id: str) -> Past:
    return Past(event_id, now.plan, now.muted)


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
