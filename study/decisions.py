"""What an act makes happen, decided from the rows that stand and the model's answer; nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from core.types import Prediction, Scope, SteeringPlan
from study.acts import (
    Act,
    ActRefused,
    Change,
    Claim,
    Close,
    Compare,
    Expectation,
    Explain,
    Inspect,
    Open,
    Overlay,
    Preview,
    PromptAnswer,
    PromptDismiss,
    Redo,
    Reset,
    Search,
    Setting,
    Tick,
    Turn,
    Undo,
)
from study.asked import edit_asked
from study.bench import Bench, Seen
from study.beside import last_shown, looked
from study.claims import claimed
from study.events import Event
from study.expectations import Expected, lacking, scored
from study.history import History, history_in
from study.predictions import Shown, shown
from study.preview_events import InterventionPredicted
from study.records import Record
from study.replies import reply
from study.state import canonical_edits
from study.steering_events import (
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import PageEntered, StimulusShown, TaskStarted


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
            an answer does not fit its question; there is nothing to claim.
    """
    match act:
        case Setting() | Undo() | Redo() | Reset():
            return _changed(act, bench, records)
        case Compare() | Preview() | Inspect() | Search() | Explain() | Overlay() | Open() | Close():
            return looked(act, bench, records)
        case Claim():
            return claimed(bench, records)
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
    before = last_shown(records, bench, history.plan)
    happened = _intervention(act, bench, history, before, after), _predicted(bench, seen, after)
    if not isinstance(act, Setting) or act.expected is None:
        return happened
    return *happened, _scored(act.expected, bench, before, seen.prediction)


def _scored(said: Expectation, bench: Bench, before: Shown, after: Prediction) -> InterventionPredicted:
    if said.top1 is not None and said.top1 not in after.labels:
        raise ActRefused(f"{said.top1!r} was expected; the model chooses from {', '.join(after.labels)}: name one.")
    expected = Expected(**said.model_dump())
    return scored(expected, before.prediction(after.labels), after, task=bench.task, attempt=bench.attempt)


def _plan_after(act: Change, bench: Bench, history: History) -> SteeringPlan:
    match act:
        case Setting():
            return history.plan.put(edit_asked(act, bench))
        case Undo():
            return history.past[-1].plan if history.past else history.plan
        case Redo():
            return history.future[-1].plan if history.future else history.plan
        case Reset():
            return SteeringPlan()
        case _:
            assert_never(act)


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
