"""What is looked at, passed through or compared beside the plan that stands; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from core.types import SteeringPlan
from study.acts import Compare, Explain, Inspect, Overlay, Preview
from study.bench import Bench
from study.events import Event
from study.history import plan_in
from study.predictions import Shown, shown
from study.preview_events import InterventionPreviewed
from study.records import Record
from study.state import canonical_edits
from study.steering_events import InterventionCompared, ModelPredicted
from study.task_events import ConceptInspected, ExplanationChanged


def looked(
    act: Compare | Preview | Inspect | Explain | Overlay, bench: Bench, records: Sequence[Record]
) -> tuple[Event, ...]:
    """The events of `act` after `records`; none for a comparison with, or a rest at, what stands anyway."""
    plan = plan_in(records, bench.task)
    match act:
        case Compare():
            return _compared(act, bench, records, plan)
        case Preview():
            return _previewed(act, bench, plan)
        case Inspect():
            return (ConceptInspected(task=bench.task, attempt=bench.attempt, component=act.component),)
        case Explain() | Overlay():
            return (_explained(act, bench, plan),)
        case _:
            assert_never(act)


def last_shown(records: Sequence[Record], bench: Bench, plan: SteeringPlan) -> Shown:
    """What the participant last saw under `plan`: by the log where it was shown, else by the model now."""
    here = bench.pinned.state(plan).id
    for record in reversed(records):
        event = record.event
        if isinstance(event, ModelPredicted) and event.after.state_id == here:
            return event.after
    return shown(bench.see(plan).prediction, plan, bench.pinned)


def _compared(act: Compare, bench: Bench, records: Sequence[Record], plan: SteeringPlan) -> tuple[Event, ...]:
    if not canonical_edits(plan):
        return ()
    stands, other = (last_shown(records, bench, each) for each in (plan, SteeringPlan()))
    return (
        InterventionCompared(
            task=bench.task,
            attempt=bench.attempt,
            pinned=bench.pinned,
            before=stands,
            after=stands,
            other=other,
            control=act.control,
        ),
    )


def _previewed(act: Preview, bench: Bench, plan: SteeringPlan) -> tuple[Event, ...]:
    stands = plan.on(act.component)
    if act.strength == (stands.strength if stands else 1.0):
        return ()
    return (
        InterventionPreviewed(
            task=bench.task,
            attempt=bench.attempt,
            component=act.component,
            tool=act.tool,
            value=act.strength,
            unit="factor",
        ),
    )


def _explained(act: Explain | Overlay, bench: Bench, plan: SteeringPlan) -> ExplanationChanged:
    view = bench.pinned.explanation
    here = bench.pinned.state(plan).id
    same = ExplanationChanged(
        task=bench.task, attempt=bench.attempt, view=view, view_before=view, before_state_id=here, after_state_id=here
    )
    if isinstance(act, Overlay):
        return replace(same, overlay=act.overlay, component=act.component)
    there = replace(bench.pinned, explanation=act.view).state(plan).id
    return replace(same, view=act.view, toward=act.toward, against=act.against, after_state_id=there)
