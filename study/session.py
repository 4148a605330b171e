"""Where a participant stands, folded from the log: nothing here is stored anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from study.events import Event
from study.instrument_events import InstrumentScored
from study.records import Record
from study.route import Step, Stop, route_of
from study.rules import read_rule
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
from study.task_events import (
    PageEntered,
    PageLeft,
    ResponseSubmitted,
    TaskSkipped,
    TaskStarted,
    TaskSubmitted,
    TaskTimedOut,
)
from study.times import paused_after

Told = bool | float | str | None  # what a rule may ask about


@dataclass(frozen=True, slots=True)
class Session:
    """One participant's place in the script; `task` is None outside of tasks, `outcome` "" while it goes on."""

    id: str
    participant: str = ""
    mode: str = ""
    language: str = ""
    step: Step = Step.WELCOME
    stop: Stop | None = None  # where on the route; None once it is walked
    at: int = 0  # the stop's number, the first after the welcome being 1
    of: int = 0  # how many stops there are after the welcome
    task: str | None = None
    attempt: int = 1
    order: int = 0  # the present task's number, from 1; a tutorial has none
    tasks: int = 0  # how many tasks the route has
    consented: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    submitted: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()  # tasks that timed out or were skipped
    paused: bool = False
    outcome: str = ""
    ending: str = ""  # how it is to be ended, where the route is walked and nothing says so yet
    seq: int = 0

    @property
    def finished(self) -> bool:
        """Whether the session has ended and takes no further act."""
        return bool(self.outcome)

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that are on offer here."""
        return self.stop.tools if self.stop is not None else ()


def ended(records: Iterable[Record], script: StudyScript, *happened: Event) -> tuple[Event, ...]:
    """`happened`, and the end of the session after it if the route is walked with it."""
    place = session_in(records, script, then=happened)
    return (*happened, SessionCompleted(outcome=place.ending)) if place.ending else happened


@dataclass(slots=True)
class _Walk:
    """What the rows so far say of the way: where it led, and what a rule may ask about."""

    started: dict[str, int] = field(default_factory=dict[str, int])
    left: set[str] = field(default_factory=set[str])
    page: str = ""
    told: dict[str, Told] = field(default_factory=dict[str, Told])
    cell: dict[str, int] = field(default_factory=dict[str, int])
    seed: int = 0


def session_in(
    records: Iterable[Record], script: StudyScript, *, session_id: str = "", then: Iterable[Event] = ()
) -> Session:
    """The participant's place after `records`; a row whose payload was erased moves nothing.

    `then` are events that are not written yet, folded as though they were.
    """
    place = Session(session_id)
    walk = _Walk()
    last: Record | None = None
    for record in records:
        last = record
        if record.event is not None:
            place = _walked(place, walk, record.event)
        if isinstance(record.event, SessionPaused | SessionResumed):
            place = replace(place, paused=paused_after(place.paused, record))
    for event in then:
        place = _walked(place, walk, event)
    if last is not None:
        place = replace(place, id=last.session_id, seq=last.seq)
    return _placed(place, script, walk)


def _walked(place: Session, walk: _Walk, event: Event) -> Session:
    match event:
        case SessionStarted():
            walk.cell, walk.seed, walk.told["mode"] = dict(event.levels), event.seed, event.mode
            return replace(place, participant=event.participant, mode=event.mode, language=event.language)
        case ConsentGiven() | ConsentRefused() | ConsentScopeChanged():
            return _answered(place, event)
        case TaskStarted():
            walk.started[event.task], walk.page = event.attempt, ""
        case PageEntered() if event.task:
            walk.page = event.page
        case PageLeft():
            walk.left.add(event.page)
        case ResponseSubmitted():
            walk.told[f"answer.{event.task}.{event.item}"] = event.text if event.number is None else event.number
        case InstrumentScored() if not event.task:
            walk.told[f"score.{event.instrument}{event.subscale and '.'}{event.subscale}"] = event.score
        case TaskSubmitted():
            return replace(place, submitted=(*place.submitted, event.task))
        case TaskTimedOut() | TaskSkipped():
            return replace(place, dropped=(*place.dropped, event.task))
        case SessionCompleted() | SessionRejected() | SessionTimedOut() | SessionWithdrawn():
            return replace(place, outcome=_outcome(event), paused=False)
        case _:
            pass
    return place


def _outcome(event: SessionCompleted | SessionRejected | SessionTimedOut | SessionWithdrawn) -> str:
    named = isinstance(event, SessionCompleted | SessionRejected)
    return event.outcome if named else event.name.removeprefix("session.")


def _answered(place: Session, event: ConsentGiven | ConsentRefused | ConsentScopeChanged) -> Session:
    scope = frozenset({event.scope})
    if isinstance(event, ConsentGiven) or (isinstance(event, ConsentScopeChanged) and event.given):
        return replace(place, consented=place.consented | scope, refused=place.refused - scope)
    return replace(place, consented=place.consented - scope, refused=place.refused | scope)


def _placed(place: Session, script: StudyScript, walk: _Walk) -> Session:
    route = route_of(script, walk.cell, walk.seed)
    tasks = [stop.id for stop in route if stop.is_task]
    place = replace(place, of=len(route) - 1, tasks=len(tasks))
    refused = any(scope.required and scope.key in place.refused for scope in script.consent.scopes)
    if place.finished or refused:
        return replace(place, step=Step.DONE)
    if not place.mode:
        return replace(place, stop=route[0])
    number, ending = _next(place, script, walk, route)
    if number is None:
        return replace(place, step=Step.DONE, at=len(route) - 1, ending=ending)
    stop = route[number]
    place = replace(place, step=stop.step, stop=stop, at=number, attempt=walk.started.get(str(stop.task), 1))
    if stop.step is Step.TUTORIAL:
        return replace(place, task=stop.task)
    return _at_task(place, walk, stop.id, tasks.index(stop.id) + 1) if stop.is_task else place


def _at_task(place: Session, walk: _Walk, task: str, order: int) -> Session:
    place = replace(place, task=task, order=order)
    if task not in walk.started:
        return place
    step = Step.ANSWER if walk.page == Step.ANSWER else Step.WORKSPACE
    return replace(place, step=step, attempt=walk.started[task])


def _next(place: Session, script: StudyScript, walk: _Walk, route: tuple[Stop, ...]) -> tuple[int | None, str]:
    """The number of the stop to go to, after the last that was left; nobody is sent back. None: the route is walked."""
    scopes = {scope.key for scope in script.consent.scopes}

    def is_left(stop: Stop) -> bool:
        if stop.is_task:
            return stop.id in (*place.submitted, *place.dropped)
        if stop.step is Step.CONSENT:
            return scopes <= place.consented | place.refused
        return stop.step is Step.WELCOME or stop.id in walk.left

    told = _told(place, script, walk)
    number = max(number for number, stop in enumerate(route) if is_left(stop))
    for skip in route[number].skips:
        if _holds(skip.if_, script, told):
            number, ending = _target(skip.to, route), skip.as_ or "completed"
            return (None, ending) if number is None else (number, "")
    for later in range(number + 1, len(route)):
        rule = route[later].only_if
        if rule is None or _holds(rule, script, told):
            return later, ""
    return None, "completed"


def _target(name: str, route: tuple[Stop, ...]) -> int | None:
    return next((number for number, stop in enumerate(route) if stop.id == name), None)


def _told(place: Session, script: StudyScript, walk: _Walk) -> Mapping[str, Told]:
    consents: dict[str, Told] = {
        f"consent.{scope.key}": scope.key in place.consented
        for scope in script.consent.scopes
        if scope.key in place.consented | place.refused
    }
    arms: dict[str, Told] = {
        f"arm.{name}": list(arm.levels)[walk.cell.get(name, 0)] for name, arm in script.arms.items()
    }
    return {**dict.fromkeys(script.names), **walk.told, **consents, **arms}


def _holds(rule: str, script: StudyScript, told: Mapping[str, Told]) -> bool:
    return read_rule(rule, script.names).holds(told)
