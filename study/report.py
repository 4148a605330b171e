"""The findings of a study as its log has them: what participants tried, how soon it worked, how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from core.types import Rate
from study.expectations import Expectations
from study.records import Record
from study.session_events import SessionCompleted, SessionStarted
from study.steering_events import Intervention, InterventionApplied, ModelPredicted
from study.strategies import DEFINITIONS, VERSION, codes_of
from study.task_events import ConceptInspected, ExplanationChanged, ExplanationViewed, TaskStarted, TaskSubmitted
from study.times import Moment, moments_of
from study.units import units_in

DIRECTIONS = ("suppress", "amplify", "set")  # the moves that a participant's dominant strategy is one of


@dataclass(slots=True)
class Attempt:
    """One participant's one try at one task."""

    participant: str
    task: str
    order: int
    seconds: float | None = None  # from its start to its handing in, pauses aside
    guessed: bool = False  # whether only the wall clock tells
    inspections: int = 0
    interventions: int = 0
    goal: str = ""  # the label that the model should have given
    steps_to_repair: int | None = None  # interventions until it first gave it
    repaired: bool | None = None  # whether it gave it at the end


@dataclass(slots=True)
class Findings:
    """What one study's sessions come to; an attempt that was not handed in counts in no rate."""

    participants: int = 0
    completed: int = 0
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    dominant: Counter[str] = field(default_factory=Counter[str])
    codes: Counter[str] = field(default_factory=Counter[str])
    users: Counter[str] = field(default_factory=Counter[str])  # participants who did it at least once
    expectations: Expectations = field(default_factory=Expectations)

    def add(self, records: Sequence[Record]) -> None:
        """Take one session in; a stream of no participant is passed over."""
        started = next((record.event for record in records if isinstance(record.event, SessionStarted)), None)
        if started is None:
            return
        self.participants += 1
        self.completed += any(
            isinstance(record.event, SessionCompleted) and record.event.outcome == "completed" for record in records
        )
        codes = Counter(code.name for code in codes_of(units_in(records)))
        self.codes.update(codes)
        self.users.update(codes.keys())
        self.dominant[_dominant(codes)] += 1
        self.attempts += _attempts(started.participant, records)
        self.expectations.add(records)

    def plain(self) -> dict[str, Any]:
        """Everything as plain values, rates with their Wilson 95 % intervals."""
        handed_in = [one for one in self.attempts if one.seconds is not None]
        return {
            "rules": VERSION,
            "participants": self.participants,
            "completed": self.completed,
            "dominant": {
                name: _rate(self.dominant[name], self.participants) for name in (*DIRECTIONS, "mixed", "none")
            },
            "strategies": {
                name: {"times": self.codes[name], "participants": _rate(self.users[name], self.participants)}
                for name in DEFINITIONS
            },
            "expectations": self.expectations.plain(),
            "tasks": {task: _of_attempts([one for one in handed_in if one.task == task]) for task in _tasks(handed_in)},
            "by_order": {
                str(order): _of_attempts([one for one in handed_in if one.order == order])
                for order in sorted({one.order for one in handed_in})
            },
        }


def find(sessions: Iterable[Sequence[Record]]) -> Findings:
    """The findings of these sessions, read one at a time."""
    findings = Findings()
    for records in sessions:
        findings.add(records)
    return findings


def _dominant(codes: Counter[str]) -> str:
    """The direction a participant moved in most; `mixed` where two are most, `none` without any."""
    most = max(codes[name] for name in DIRECTIONS)
    leading = [name for name in DIRECTIONS if codes[name] == most]
    return "none" if not most else leading[0] if len(leading) == 1 else "mixed"


def _attempts(participant: str, records: Sequence[Record]) -> list[Attempt]:
    found: dict[tuple[str, int], Attempt] = {}
    begun: dict[tuple[str, int], Moment] = {}
    for record, moment in zip(records, moments_of(records), strict=True):
        event = record.event
        key = (str(getattr(event, "task", None)), int(getattr(event, "attempt", None) or 1))
        if isinstance(event, TaskStarted):
            found[key] = Attempt(participant, event.task, event.order)
            begun[key] = moment
            continue
        one = found.get(key)
        if one is None:
            continue
        match event:
            case ExplanationViewed():
                one.goal = event.against
            case ConceptInspected() | ExplanationChanged():
                one.inspections += 1
            case Intervention():
                one.interventions += isinstance(event, InterventionApplied)
            case ModelPredicted() if one.goal:
                one.repaired = bool(event.after.top) and event.after.top[0].label == one.goal
                if one.repaired and one.steps_to_repair is None:
                    one.steps_to_repair = one.interventions
            case TaskSubmitted():
                one.seconds = moment.working - begun[key].working
                one.guessed = moment.guesses != begun[key].guesses
                one.repaired = bool(one.repaired)
            case _:
                pass
    return list(found.values())


def _of_attempts(attempts: Sequence[Attempt]) -> dict[str, Any]:
    steps = [one.steps_to_repair for one in attempts if one.steps_to_repair is not None]
    return {
        "attempts": len(attempts),
        "repaired": _rate(sum(bool(one.repaired) for one in attempts), len(attempts)),
        "ever_repaired": _rate(len(steps), len(attempts)),
        "median_steps_to_repair": median(steps) if steps else None,
        "median_seconds": median(one.seconds or 0.0 for one in attempts) if attempts else None,
        "seconds_by_wall_clock": sum(one.guessed for one in attempts),
        "inspections": sum(one.inspections for one in attempts),
        "interventions": sum(one.interventions for one in attempts),
    }


def _tasks(attempts: Iterable[Attempt]) -> list[str]:
    return list(dict.fromkeys(one.task for one in attempts))


def _rate(hits: int, of: int) -> dict[str, float | int | None]:
    rate = Rate(hits, of)
    return {"hits": hits, "of": of, "value": rate.value if of else None, "low": rate.low, "high": rate.high}
