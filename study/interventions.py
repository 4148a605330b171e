"""One act, done once: decide from the log, ask the model, write the row, and only then let anyone see it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from core.types import Edit, Op, Prediction, Scope, SteeringPlan
from study.acts import (
    Act,
    ActRefused,
    Change,
    Explain,
    Inspect,
    Overlay,
    Redo,
    Reset,
    Setting,
    Turn,
    Undo,
    asked,
    offered,
)
from study.events import Event
from study.log import EventLog, LogMoved, LogRefused
from study.predictions import Shown, shown
from study.records import Record
from study.session import History, Step, history_in
from study.state import Pinned, canonical_edits
from study.steering_events import (
    InterventionApplied,
    InterventionFailed,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import ConceptInspected, ExplanationChanged, PageEntered, StimulusShown, TaskStarted

TRIES = 20  # how often others may write first before an act gives up


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the model says under one plan; `edit_norm_ratio` is the edit's size over the activations' own."""

    prediction: Prediction
    edit_norm_ratio: float = 0.0
    latency_ms: float = 0.0
    cache_hit: bool = False


See = Callable[[SteeringPlan], Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One attempt's workspace: what may be done there, and the model's answer to any plan.

    `unit(component, scope)` is the p99 in codes, NaN where none is known; `see` must not change anything.
    """

    task: str
    attempt: int
    pinned: Pinned
    tools: frozenset[str]
    components: int
    patches: int
    see: See
    unit: Callable[[int, Scope], float]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an act: the rows that stand for it. No rows: it would have changed nothing."""

    records: tuple[Record, ...]

    @property
    def changed(self) -> bool:
        """Whether the log has rows for it."""
        return bool(self.records)

    @property
    def failed(self) -> bool:
        """Whether the model could not answer; the plan is as it was."""
        return any(isinstance(record.event, InterventionFailed) for record in self.records)


def perform(log: EventLog, session_id: str, act: Act, bench: Bench, *, reference: str = "") -> Done:
    """Do `act` once, however often it is sent; its id is the log's key.

    An intervention and its prediction are written together after the model has answered. Where another tab or process
    wrote first, the act is decided anew on what then stands. If the model fails, that is what is logged, under
    `reference`, and the exception's own words go to the server's log alone.

    Raises:
        ActRefused: the task, tool or component is not on offer; drop the act.
        LogRefused: the session takes no more acts, or the id stands for another act; drop the act.
        LogUnavailable: nothing was written; send the same act again.
    """
    standing = log.acted(session_id, act.id)
    if standing:
        return _again(act, standing)
    if act.task != bench.task:
        raise ActRefused(f"A step of task {act.task} came while {bench.task} is open; it was not carried out.")
    offered(act, bench.tools, bench.components, bench.patches)
    for _ in range(TRIES):
        records = log.read(session_id)
        try:
            happened = _happened(act, bench, records)
        except ActRefused:
            raise
        except Exception as error:
            failed = _failed(act, bench, type(error).__name__, reference)
            log.append(session_id, failed, key=f"{act.id}/failed", page=Step.WORKSPACE, client=act.client)
            raise
        if not happened:
            return Done(())
        try:
            expect = records[-1].seq if records else 0
            return Done(
                log.append(session_id, *happened, key=act.id, page=Step.WORKSPACE, client=act.client, expect=expect)
            )
        except LogMoved:
            continue
    raise LogMoved(f"Session {session_id} is written to by others without a pause; send the step again.")


def _again(act: Act, standing: tuple[Record, ...]) -> Done:
    stood = standing[0].event
    if stood is not None and not asked(act, stood):
        raise LogRefused(
            f"A step came again under the id of another, {stood.name}, which stands; it was not carried out. "
            "Please do it once more."
        )
    return Done(standing)


def opening(
    bench: Bench, *, image: str, labels: Sequence[str], order: int = 1, condition: str = ""
) -> tuple[Event, ...]:
    """The act that begins an attempt: task started, picture shown, and what the model says of it untouched."""
    seen = bench.see(SteeringPlan())
    stimulus = StimulusShown(
        task=bench.task,
        attempt=bench.attempt,
        image=image,
        image_sha256=bench.pinned.image_sha256,
        labels=tuple(labels),
        labels_sha256=bench.pinned.labels_sha256,
    )
    started = TaskStarted(task=bench.task, attempt=bench.attempt, order=order, condition=condition)
    return started, stimulus, _predicted(bench, seen, shown(seen.prediction, SteeringPlan(), bench.pinned))


def _happened(act: Act, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    match act:
        case Setting() | Undo() | Redo() | Reset():
            return _changed(act, bench, records)
        case Inspect():
            return (ConceptInspected(task=bench.task, attempt=bench.attempt, component=act.component),)
        case Explain():
            return (
                ExplanationChanged(
                    task=bench.task,
                    attempt=bench.attempt,
                    view=act.view,
                    view_before=bench.pinned.explanation,
                    toward=act.toward,
                    against=act.against,
                ),
            )
        case Overlay():
            return (
                ExplanationChanged(
                    task=bench.task,
                    attempt=bench.attempt,
                    view=bench.pinned.explanation,
                    view_before=bench.pinned.explanation,
                    overlay=act.overlay,
                    component=act.component,
                ),
            )
        case Turn():
            return (PageEntered(page=act.kind, task=bench.task, attempt=bench.attempt),)
        case _:
            assert_never(act)


def _changed(act: Change, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    history = history_in(records, bench.task)
    plan = _plan_after(act, bench, history)
    if canonical_edits(plan) == canonical_edits(history.plan):
        return ()
    seen = bench.see(plan)
    after = shown(seen.prediction, plan, bench.pinned)
    before = _last_shown(records, bench, history.plan)
    return _intervention(act, bench, history, before, after), _predicted(bench, seen, after)


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
    task, attempt, pinned, control = bench.task, bench.attempt, bench.pinned, act.control
    match act:
        case Setting():
            return InterventionApplied(
                task=task,
                attempt=attempt,
                pinned=pinned,
                before=before,
                after=after,
                control=control,
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
            undone = history.past[-1].event_id
            return InterventionUndone(
                task=task,
                attempt=attempt,
                pinned=pinned,
                before=before,
                after=after,
                control=control,
                undone_event=undone,
            )
        case Redo():
            redone = history.future[-1].event_id
            return InterventionRedone(
                task=task,
                attempt=attempt,
                pinned=pinned,
                before=before,
                after=after,
                control=control,
                redone_event=redone,
            )
        case Reset():
            return InterventionReset(
                task=task, attempt=attempt, pinned=pinned, before=before, after=after, control=control
            )
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


def _failed(act: Act, bench: Bench, error: str, reference: str) -> InterventionFailed:
    return InterventionFailed(
        task=bench.task,
        attempt=bench.attempt,
        act=act.kind,
        component=getattr(act, "component", None),
        reference=reference,
        error=error,
    )
