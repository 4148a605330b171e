"""Where a participant stands, folded from the log: nothing here is stored anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.types import SteeringPlan
from study.records import Record
from study.script import StudyScript
from study.session_events import (
    ConsentGiven,
    ConsentRefused,
    ConsentScopeChanged,
    SessionCompleted,
    SessionPaused,
    SessionRejected,
    SessionResumed,
    SessionStarted,
    SessionTimedOut,
    SessionWithdrawn,
)
from study.steering_events import (
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import (
    PageEntered,
    ResponseChanged,
    ResponseSubmitted,
    TaskSkipped,
    TaskStarted,
    TaskSubmitted,
    TaskTimedOut,
)
from study.times import paused_after


class Step(StrEnum):
    """The screen that a participant belongs on."""

    WELCOME = "welcome"
    CONSENT = "consent"
    BRIEFING = "briefing"
    WORKSPACE = "workspace"
    ANSWER = "answer"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Session:
    """One participant's place in the script; `task` is None outside of tasks, `outcome` "" while it goes on."""

    id: str
    participant: str = ""
    mode: str = ""
    step: Step = Step.WELCOME
    task: str | None = None
    attempt: int = 1
    order: int = 0  # the present task's number, from 1
    consented: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    submitted: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()  # tasks that timed out or were skipped
    paused: bool = False
    outcome: str = ""
    seq: int = 0

    @property
    def finished(self) -> bool:
        """Whether the session has ended and takes no further act."""
        return bool(self.outcome)


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


def session_in(records: Iterable[Record], script: StudyScript, *, session_id: str = "") -> Session:
    """The participant's place after `records`; a row whose payload was erased moves nothing."""
    place = Session(session_id)
    started: dict[str, int] = {}
    page = ""
    last: Record | None = None
    for record in records:
        last = record
        match record.event:
            case SessionStarted() as event:
                place = replace(place, participant=event.participant, mode=event.mode, step=Step.CONSENT)
            case (ConsentGiven() | ConsentRefused() | ConsentScopeChanged()) as event:
                place = _answered(place, event)
            case TaskStarted() as event:
                started[event.task], page = event.attempt, ""
            case PageEntered() as event if event.task:
                page = event.page
            case TaskSubmitted() as event:
                place = replace(place, submitted=(*place.submitted, event.task))
            case (TaskTimedOut() | TaskSkipped()) as event:
                place = replace(place, dropped=(*place.dropped, event.task))
            case SessionPaused() | SessionResumed():
                place = replace(place, paused=paused_after(place.paused, record))
            case (SessionCompleted() | SessionRejected() | SessionTimedOut() | SessionWithdrawn()) as event:
                place = replace(place, outcome=_outcome(event), paused=False)
            case _:
                pass
    if last is not None:
        place = replace(place, id=last.session_id, seq=last.seq)
    return _placed(place, script, started, page)


def _outcome(event: SessionCompleted | SessionRejected | SessionTimedOut | SessionWithdrawn) -> str:
    named = isinstance(event, SessionCompleted | SessionRejected)
    return event.outcome if named else event.name.removeprefix("session.")


def _answered(place: Session, event: ConsentGiven | ConsentRefused | ConsentScopeChanged) -> Session:
    scope = frozenset({event.scope})
    if isinstance(event, ConsentGiven) or (isinstance(event, ConsentScopeChanged) and event.given):
        return replace(place, consented=place.consented | scope, refused=place.refused - scope)
    return replace(place, consented=place.consented - scope, refused=place.refused | scope)


def _placed(place: Session, script: StudyScript, started: dict[str, int], page: str) -> Session:
    scopes = script.consent.scopes
    task = next((task for task in script.tasks if task not in (*place.submitted, *place.dropped)), None)
    refused = any(scope.required and scope.key in place.refused for scope in scopes)
    if place.finished or refused:
        return replace(place, step=Step.DONE)
    if place.step is Step.WELCOME:
        return place
    if any(scope.key not in place.consented | place.refused for scope in scopes):
        return replace(place, step=Step.CONSENT)
    if task is None:
        return replace(place, step=Step.DONE)
    place = replace(place, task=task, order=list(script.tasks).index(task) + 1)
    if task not in started:
        return replace(place, step=Step.BRIEFING)
    step = Step.ANSWER if page == Step.ANSWER else Step.WORKSPACE
    return replace(place, step=step, attempt=started[task])


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


def drafts_in(records: Iterable[Record], task: str, attempt: int) -> dict[str, ResponseChanged]:
    """The answers to `task` as they were last left, by item."""
    held: dict[str, ResponseChanged] = {}
    for record in records:
        match record.event:
            case ResponseChanged() as event if event.task == task and event.attempt == attempt:
                held[event.item] = event
            case _:
                pass
    return held


def answers_in(records: Iterable[Record], task: str) -> dict[str, ResponseSubmitted]:
    """The last answer to each item of `task`."""
    given: dict[str, ResponseSubmitted] = {}
    for record in records:
        if isinstance(record.event, ResponseSubmitted) and record.event.task == task:
            given[record.event.item] = record.event
    return given
