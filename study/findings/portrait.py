"""What one session comes to: each attempt with its acts, its times and its end, read once from the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from core.types import SteeringPlan
from study.class_events import ClassesChanged
from study.concept_events import ConceptSearched
from study.log import EventLog
from study.preview_events import InterventionPredicted
from study.queries import recorded
from study.records import Record
from study.session_events import (
    ConsentGiven,
    ConsentRefused,
    ConsentScopeChanged,
    SessionCompleted,
    SessionRejected,
    SessionStarted,
    SessionWithdrawn,
)
from study.state import Pinned
from study.steering_events import Intervention, InterventionApplied, ModelPredicted
from study.strategies import LAYERS, Code, codes_of
from study.task_events import (
    ConceptInspected,
    ExplanationChanged,
    ExplanationViewed,
    ResponseSubmitted,
    StimulusShown,
    TaskStarted,
    TaskSubmitted,
)
from study.times import Moment, moments_of
from study.units import units_in

TRUST = "trust_basis"  # the answer that says what trust rests on, where a script asks for it
CHECKS = ("undo", "redo", "hand-revert", "compare", "confirm")  # the model seen again with and without an edit
TENTHS = 10

How = Literal["inspect", "intervene"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What was said beforehand of one step, held against what came; None where it was not asked for."""

    seq: int
    direction_right: bool | None
    top1_right: bool | None
    brier: float | None


@dataclass(slots=True)
class Attempt:
    """One try at one task; times are seconds since its start, None where it was not handed in.

    `goal` is the right class; rows that do not say what the picture shows weighed the model's answer against it.
    """

    task: str
    number: int
    order: int
    condition: str
    seq: int
    acts: list[tuple[How, int]] = field(default_factory=list[tuple[How, int]])  # how, and the row
    goal: str = ""
    right_at_first: bool = False  # whether the model gave the goal before anything was set: nothing to repair
    settings: int = 0
    first_act: float | None = None  # the first intervention
    last_act: float | None = None
    seconds: float | None = None
    steps_to_repair: int | None = None  # settings until the model first gave the goal
    repair_seq: int | None = None
    repaired: bool = False  # whether it gave the goal at the end
    checked: bool = False
    plan: SteeringPlan = field(default_factory=SteeringPlan)  # as it was handed in
    pinned: Pinned | None = None
    image: str = ""  # the picture's file
    labels: tuple[str, ...] = ()  # the classes that the model chose from
    trust: str = ""
    expected: list[Expected] = field(default_factory=list[Expected])
    guessed: bool = False  # whether only the wall clock tells how long it took

    @property
    def handed_in(self) -> bool:
        """Whether the task was brought to its end."""
        return self.seconds is not None


@dataclass(slots=True)
class Portrait:
    """One session as the findings need it; it holds nothing that a participant wrote in words of their own."""

    session: str
    participant: str
    mode: str
    outcome: str = ""  # completed, no_consent, rejected, withdrawn; "" where it has none
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    consents: dict[str, bool] = field(default_factory=dict[str, bool])  # by scope, as it was last answered
    codes: Counter[str] = field(default_factory=Counter[str])
    moves: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])  # name, tenth, row

    @property
    def simulated(self) -> bool:
        """Whether nobody sat there."""
        return self.mode == "bot"

    @property
    def took_part(self) -> bool:
        """Whether it counts: a task was begun, and the data were neither withdrawn nor rejected."""
        return bool(self.attempts) and self.outcome not in ("withdrawn", "rejected")


def portraits(log: EventLog, study: str, without: Sequence[str]) -> Iterator[Portrait | None]:
    """One portrait a session of `study`, None for a session whose words were erased; read one session at a time."""
    for _, rows in groupby(log.stream(study=study, without=without), key=lambda record: record.session_id):
        yield portrait_of(list(rows))


def portrait_in(log: EventLog, session_id: str) -> Portrait | None:
    """The portrait of one session as it stands now."""
    return portrait_of([recorded(one) for one in log.stored(session_id)])


def portrait_of(records: Sequence[Record]) -> Portrait | None:
    """The portrait of one session; None where its first row does not say who it was."""
    started = records[0].event if records else None
    if not isinstance(started, SessionStarted):
        return None
    portrait = Portrait(records[0].session_id, started.participant, started.mode)
    codes = codes_of(units_in(records))
    portrait.codes = Counter(code.name for code in codes)
    moments = dict(zip((record.seq for record in records), moments_of(records), strict=True))
    portrait.attempts = _attempts(records, moments, codes)
    for record in records:
        if isinstance(record.event, SessionCompleted):
            portrait.outcome = record.event.outcome
        elif isinstance(record.event, ConsentScopeChanged):
            portrait.consents[record.event.scope] = record.event.given
        elif isinstance(record.event, ConsentGiven | ConsentRefused):
            portrait.consents[record.event.scope] = isinstance(record.event, ConsentGiven)
        elif isinstance(record.event, SessionRejected):
            portrait.outcome = "rejected"
        elif isinstance(record.event, SessionWithdrawn):
            portrait.outcome = "withdrawn"
    portrait.moves = list(_moves(codes, moments, portrait.attempts, records))
    return portrait


def _attempts(records: Iterable[Record], moments: dict[int, Moment], codes: Iterable[Code]) -> list[Attempt]:
    found: dict[tuple[str, int], Attempt] = {}
    checks = {code.last for code in codes if code.name in CHECKS}
    for record in records:
        event = record.event
        if isinstance(event, TaskStarted) and not event.practice:
            attempt = Attempt(event.task, event.attempt, event.order, event.condition, record.seq)
            found[event.task, event.attempt] = attempt
        one = found.get((str(getattr(event, "task", None)), int(getattr(event, "attempt", None) or 1)))
        if one is None or one.handed_in:
            continue
        begun, here = moments[one.seq], moments[record.seq]
        now = here.working - begun.working
        if isinstance(event, Intervention):
            one.first_act = now if one.first_act is None else one.first_act
            one.last_act = now
            one.checked |= record.seq in checks
        elif isinstance(event, TaskSubmitted):
            one.seconds, one.guessed = now, here.guesses != begun.guesses
        _follow(one, record)
    return list(found.values())


def _follow(one: Attempt, record: Record) -> None:
    """Take one row of an attempt in."""
    match record.event:
        case StimulusShown() as event:
            one.image, one.labels, one.goal = event.image, event.labels, event.shows
        case ExplanationViewed() as event:
            one.goal = one.goal or event.against
        case ConceptInspected() | ConceptSearched() | ExplanationChanged() | ClassesChanged():
            one.acts.append(("inspect", record.seq))
        case Intervention() as event:
            one.acts.append(("intervene", record.seq))
            one.settings += isinstance(event, InterventionApplied)
            one.plan = event.after.plan
        case ModelPredicted() as event:
            first, one.pinned = one.pinned is None, event.pinned
            if one.goal:
                one.repaired = bool(event.after.top) and event.after.top[0].label == one.goal
                one.right_at_first |= first and one.repaired
                if one.repaired and one.steps_to_repair is None and not one.right_at_first:
                    one.steps_to_repair, one.repair_seq = one.settings, record.seq
        case InterventionPredicted() as event:
            one.expected.append(Expected(record.seq, event.direction_right, event.top1_right, event.brier))
        case ResponseSubmitted() as event if event.item == TRUST:
            one.trust = event.text.strip().replace("_", " ")  # the id of a choice, or the words of an old script
        case _:
            pass


def _moves(
    codes: Iterable[Code], moments: dict[int, Moment], attempts: Sequence[Attempt], records: Sequence[Record]
) -> Iterator[tuple[str, int, int]]:
    """Each move with the tenth of the time on tasks in which it was made: from the first task to the last row."""
    if not attempts:
        return
    begin = moments[attempts[0].seq].working
    whole = max(moments[records[-1].seq].working - begin, 1e-9)
    for code in codes:
        if code.layer == "move" and code.name in LAYERS["move"]:
            yield code.name, min(TENTHS - 1, int(TENTHS * (moments[code.first].working - begin) / whole)), code.first
