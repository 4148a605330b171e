"""What an act makes happen, decided from the rows that stand and the model's answer; nothing is written here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, assert_never

from core.types import Edit, Op, Prediction, Scope, SteeringPlan
from study.acts import (
    Act,
    ActRefused,
    Change,
    Compare,
    Expectation,
    Explain,
    Inspect,
    Overlay,
    Preview,
    PromptAnswer,
    PromptDismiss,
    Redo,
    Reset,
    Setting,
    Tick,
    Turn,
    Undo,
)
from study.bench import Bench, Seen
from study.events import Event
from study.expectations import Expected, lacking, scored
from study.history import History, history_in
from study.predictions import Shown, shown
from study.preview_events import InterventionPredicted, InterventionPreviewed
from study.records import Record
from study.replies import reply
from study.state import canonical_edits
from study.steering_events import (
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import ConceptInspected, ExplanationChanged, PageEntered, StimulusShown, TaskStarted


def opening(
    bench: Bench, *, image: str, labels: Sequence[str], order: int = 1, condition: str = "", practice: bool = False
) -> tuple[Event, ...]:
    """The act that begins an attempt: task started, picture shown, and what the model says of it untouched.

    A tutorial's is `practice`.
    """
    seen = bench.see(SteeringPlan())
    stimulus = StimulusShown(
        task=bench.task,
        attempt=bench.attempt,
        image=image,
        image_sha256=bench.pinned.image_sha256,
        labels=tuple(labels),
        labels_sha256=bench.pinned.labels_sha256,
        shows=bench.shows,
    )
    started = TaskStarted(task=bench.task, attempt=bench.attempt, order=order, condition=condition, practice=practice)
    return started, stimulus, _predicted(bench, seen, shown(seen.prediction, SteeringPlan(), bench.pinned))


def decide(act: Act, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    """The events of `act` after `records`, its cause first; none if it would change nothing.

    Raises:
        ActRefused: the component has no p99 to be set in multiples of; a question or an expectation has to come first;
            an answer does not fit its question.
    """
    match act:
        case Setting() | Undo() | Redo() | Reset():
            return _changed(act, bench, records)
        case Compare() | Preview():
            return _beside(act, bench, records)
        case Inspect():
            return (ConceptInspected(task=bench.task, attempt=bench.attempt, component=act.component),)
        case Explain() | Overlay():
            return (_explained(act, bench, history_in(records, bench.task).plan),)
        case Turn() | Tick():  # what a tick brings up has a key of its own: study.ticks
            turned = () if isinstance(act, Tick) else (act.kind,)
            return tuple(PageEntered(page=page, task=bench.task, attempt=bench.attempt) for page in turned)
        case PromptAnswer() | PromptDismiss():
            return reply(act, bench, records)
        case _:
            assert_never(act)


def _changed(act: Change, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    if bench.held(records):
        raise ActRefused("A question comes before this step; nothing was changed. Answer it, then do the step again.")
    history = history_in(records, bench.task)
    plan = _plan_after(act, bench, history)
    if canonical_edits(plan) == canonical_edits(history.plan):
        return ()
    if isinstance(act, Setting) and lacking(act.expected, bench.expect, records, bench.task):
        raise ActRefused("Nothing was changed: say first what you expect of this step. Do it once more to be asked.")
    seen = bench.see(plan)
    after = shown(seen.prediction, plan, bench.pinned)
    before = _last_shown(records, bench, history.plan)
    happened = _intervention(act, bench, history, before, after), _predicted(bench, seen, after)
    if not isinstance(act, Setting) or act.expected is None:
        return happened
    return *happened, _scored(act.expected, bench, before, seen.prediction)


def _beside(act: Compare | Preview, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    """What is looked at or passed through beside the plan that stands; none where that is the plan itself."""
    if isinstance(act, Compare):
        return _compared(act, bench, records)
    return _previewed(act, bench, history_in(records, bench.task).plan)


def _compared(act: Compare, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    plan = history_in(records, bench.task).plan
    if not canonical_edits(plan):
        return ()
    stands, other = (_last_shown(records, bench, each) for each in (plan, SteeringPlan()))
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


def _scored(said: Expectation, bench: Bench, before: Shown, after: Prediction) -> InterventionPredicted:
    if said.top1 is not None and said.top1 not in after.labels:
        raise ActRefused(f"{said.top1!r} was expected; the model chooses from {', '.join(after.labels)}: name one.")
    expected = Expected(**said.model_dump())
    return scored(expected, before.prediction(after.labels), after, task=bench.task, attempt=bench.attempt)


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


def _plan_after(act: Change, bench: Bench, history: History) -> SteeringPlan:
    match act:
        case Setting():
            return history.plan.put(_edit(act, bench))
        case Undo():
            return history.past[-1].plan if history.past else history.plan
        case Redo():
            return history.future[-1].plan if history.future else history.plan
        case Reset():
            return SteeringPlan()
        case _:
            assert_never(act)


def _edit(act: Setting, bench: Bench) -> Edit:
    scope, strength = Scope(act.scope), act.strength
    if act.op != "scale" and act.unit == "p99":
        unit = bench.unit(act.component, scope)
        if math.isnan(unit):
            raise ActRefused(
                f"Component {act.component} was to be {act.op} in multiples of its p99; none is known for it. "
                "Use scale, or give codes."
            )
        strength *= unit
    return Edit(act.component, Op(act.op), strength, scope, act.patches)


def _intervention(act: Change, bench: Bench, history: History, before: Shown, after: Shown) -> Event:
    around: dict[str, Any] = {
        "task": bench.task,
        "attempt": bench.attempt,
        "pinned": bench.pinned,
        "before": before,
        "after": after,
        "control": act.control,
    }
    match act:
        case Setting():
            return InterventionApplied(
                **around,
                component=act.component,
                tool=act.tool,
                value=act.strength,
                unit="factor" if act.op == "scale" else act.unit,
                scope=Scope(act.scope),
                patches=act.patches,
                setting=after.plan.on(act.component),
                previous=before.plan.on(act.component),
            )
        case Undo():
            return InterventionUndone(**around, undone_event=history.past[-1].event_id)
        case Redo():
            return InterventionRedone(**around, redone_event=history.future[-1].event_id)
        case Reset():
            return InterventionReset(**around)
        case _:
            assert_never(act)


def _last_shown(records: Sequence[Record], bench: Bench, plan: SteeringPlan) -> Shown:
    # What the participant had on the screen is what the log says was shown there, not what the model would say now.
    here = bench.pinned.state(plan).id
    for record in reversed(records):
        event = record.event
        if isinstance(event, ModelPredicted) and event.after.state_id == here:
            return event.after
    return shown(bench.see(plan).prediction, plan, bench.pinned)


def _predicted(bench: Bench, seen: Seen, after: Shown) -> ModelPredicted:
    return ModelPredicted(
        task=bench.task,
        attempt=bench.attempt,
        after=after,
        pinned=bench.pinned,
        latency_ms=seen.latency_ms,
        cache_hit=seen.cache_hit,
        edit_norm_ratio=seen.edit_norm_ratio,
        environment=dict(bench.environment),
    )
