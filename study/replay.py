"""Every logged prediction run again: the state rebuilt from the acts, the model asked anew, the logits compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.types import Prediction, SteeringPlan, TillerError
from study.history import History, followed
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.predictions import Shown, pack_logits, unpack_logits
from study.records import Record
from study.scenario_events import InterventionRecalled, ScenarioSaved
from study.state import Pinned, canonical_edits
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import StimulusShown

TOLERANCE = 1e-4  # of a logit, between machines


class Verdict(StrEnum):
    """How far what the model says now is what the log says was seen, from best to worst."""

    BIT_EXACT = "BIT_EXACT"
    WITHIN_TOLERANCE = "WITHIN_TOLERANCE"
    UNRUNNABLE = "UNRUNNABLE"
    MISMATCH = "MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What a model says of a rebuilt state now, and where it says so."""

    prediction: Prediction
    labels_sha256: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One logged prediction run again.

    `seq` is the row of the act that asked for it, `distance` the greatest difference of a logit, None where nothing
    could be compared; `differing` maps each field of the environment that is not the logged one to (then, now).
    """

    seq: int
    name: str
    task: str
    state_id: str
    verdict: Verdict
    reason: str = ""
    distance: float | None = None
    differing: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])


# what the log pinned, the labels shown, the plan, and the environment then; TillerError where it cannot be run
Run = Callable[[Pinned, Sequence[str], SteeringPlan, Mapping[str, str]], Rerun]


def replay(records: Iterable[Record], run: Run, *, only: int | None = None) -> Iterator[Outcome]:
    """Run each prediction of one session again, one at a time and in order.

    Args:
        records: the whole session, from its first row.
        run: asks the model, from the artefacts that the digests name and never from what was kept of an answer.
        only: the row of one act, or of its prediction; the rest is followed and not run.

    Raises:
        TillerError: `only` names no row that has a prediction, or there is none in the session.
    """
    histories: dict[str, History] = {}
    labels: dict[str, tuple[str, ...]] = {}
    kept: dict[str, SteeringPlan] = {}  # scenarios
    above: Record | None = None  # the act that the next prediction answers
    found = False
    for record in records:
        event = record.event
        if isinstance(event, StimulusShown):
            labels[event.task] = event.labels
        if isinstance(event, ModelPredicted) or record.name == ModelPredicted.name:
            cause = above if above and record.row["cause_event_id"] == above.event_id else record
            if only is None or only in (cause.seq, record.seq):
                found = True
                if isinstance(event, ModelPredicted):
                    plan = histories.get(event.task, History()).plan
                    yield _outcome(cause, event, plan, labels.get(event.task, ()), run)
                else:
                    yield _erased(cause, record)
            continue
        above = record if record.row["cause_event_id"] is None else above
        task = getattr(event, "task", None)
        if task is not None:
            was = histories.get(task, History())
            histories[task] = followed(was, record, task)
            if isinstance(event, ScenarioSaved):
                kept[record.event_id] = was.plan
            if isinstance(event, Intervention):
                rebuilt = _rebuilt(event, was, kept)
                if canonical_edits(rebuilt) != canonical_edits(histories[task].plan):
                    # what was logged to be done does not lead to what was logged to stand: run what was done
                    histories[task] = replace(histories[task], plan=rebuilt)
    if not found and only is None:
        raise TillerError("The session holds no prediction: there is nothing to run again.")
    if not found:
        raise TillerError(f"Row {only} was to be replayed; no prediction belongs to it: name an intervention.")


def worst(outcomes: Iterable[Outcome]) -> tuple[Verdict, dict[str, int]]:
    """The verdict on a session with predictions, which is its worst, and how often each was given."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    order = list(Verdict)
    return max(counts, key=order.index), {str(v): counts[v] for v in order}


def _erased(cause: Record, record: Record) -> Outcome:
    return Outcome(
        seq=cause.seq,
        name=cause.name,
        task=str(record.row["task_id"]),
        state_id=str(record.row["after_state_id"]),
        verdict=Verdict.UNRUNNABLE,
        reason="its payload was erased",
    )


def _rebuilt(event: Intervention, was: History, kept: Mapping[str, SteeringPlan]) -> SteeringPlan:
    """The plan that an act leads to from the plan before it, by what was asked and not by what was logged to follow.

    `kept` holds the plans of the scenarios so far, by the id of the row that saved each.
    """
    match event:
        case InterventionApplied():
            left = was.plan.without(event.component)
            rebuilt = left if event.setting is None else left.put(event.setting)
        case InterventionMuted():
            rebuilt = was.plan.without(event.component)
        case InterventionUnmuted():
            edit = was.muted.on(event.component)
            rebuilt = was.plan if edit is None else was.plan.put(edit)
        case InterventionRecalled():
            rebuilt = kept.get(event.scenario, was.plan)
        case InterventionUndone() | InterventionRedone():
            ahead = was.past if isinstance(event, InterventionUndone) else was.future
            rebuilt = ahead[-1].plan if ahead else was.plan
        case InterventionReset():
            rebuilt = SteeringPlan()
        case _:
            rebuilt = was.plan
    return rebuilt


def _outcome(cause: Record, event: ModelPredicted, plan: SteeringPlan, labels: Sequence[str], run: Run) -> Outcome:
    logged, pinned = event.after, event.pinned

    def told(verdict: Verdict, reason: str = "", **more: object) -> Outcome:
        known = {"seq": cause.seq, "name": cause.name, "task": event.task, "state_id": logged.state_id}
        return Outcome(**known, verdict=verdict, reason=reason, **more)  # pyright: ignore[reportArgumentType]

    if pinned.state(plan).id != logged.state_id:
        return told(Verdict.MISMATCH, "the acts before it lead to another state than the one logged")
    try:
        now = run(pinned, labels, plan, event.environment)
    except TillerError as error:
        return told(Verdict.UNRUNNABLE, str(error))
    if now.labels_sha256 != pinned.labels_sha256:
        return told(Verdict.UNRUNNABLE, "the labels or prompt templates are not those of the log")
    differing = {
        name: (event.environment.get(name, ""), now.environment.get(name, ""))
        for name in sorted({*event.environment, *now.environment})
        if event.environment.get(name) != now.environment.get(name)
    }
    return _compared(logged, now.prediction, differing, told)


def _compared(
    logged: Shown, now: Prediction, differing: Mapping[str, tuple[str, str]], told: Callable[..., Outcome]
) -> Outcome:
    then = unpack_logits(logged.logits)
    if len(then) != len(now.logits):
        return told(Verdict.UNRUNNABLE, f"{len(then)} logits were logged and the model gives {len(now.logits)}")
    distance = max((abs(one - two) for one, two in zip(then, now.logits, strict=True)), default=0.0)
    if pack_logits(now.logits) == logged.logits:
        return told(Verdict.BIT_EXACT, distance=0.0, differing=differing)
    top = Prediction(now.labels, then).top
    if top != now.top:
        reason = f"the top class was {top} and is {now.top}"
    elif not distance <= TOLERANCE:  # NaN is no small distance
        reason = f"a logit is {distance:.3g} away, more than {TOLERANCE:g}"
    elif not differing:
        reason = f"a logit is {distance:.3g} away in an environment that is the same in every field"
    else:
        return told(Verdict.WITHIN_TOLERANCE, distance=distance, differing=differing)
    return told(Verdict.MISMATCH, reason, distance=distance, differing=differing)
