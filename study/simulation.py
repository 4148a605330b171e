"""Policies of simulated participants: what each does before a picture, move by move, with the tools there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from core.types import SteeringPlan, TillerError
from study.acts import Setting
from study.bench import Bench
from study.log import EventLog
from study.messages import read_act
from study.records import Record
from study.script.part import STEERING
from study.script.tasks import Expect
from study.steering_events import Intervention

PERSONAS = ("suppressor", "scanner", "sweeper", "amplifier")  # those that take turns where none is named
POLICIES: Mapping[str, str] = {
    "suppressor": "takes away the component that pushes the wrong answer most, and the next, until it is right",
    "scanner": "tries each of the strongest alone and takes it back, then does as the suppressor",
    "sweeper": "turns the strongest down step by step, then does as the suppressor",
    "amplifier": "first turns up what holds against the wrong answer, then does as the suppressor",
    "idle": "does nothing that is not asked for, and answers",
    "random": "two to eight steps drawn by the seed from all that the task offers",
}
STEPS = ("intervention.applied", "intervention.undone", "intervention.redone", "intervention.reset")
Move = dict[str, object]
Speak = Callable[[EventLog, str, str], object]  # the log, the session, the task: a recording as it comes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Who takes part: `seed` decides all that its policy leaves open.

    Of the scopes that are optional it allows about seven in ten, all with `allows`, none where that is False; one that
    `refuses` allows nothing at all.
    """

    seed: int
    policy: str = ""  # empty: the personas take turns by seed
    language: str = ""  # empty: the script's languages take turns by seed
    allows: bool | None = None
    refuses: bool = False
    speak: Speak | None = None

    def __post_init__(self) -> None:
        if self.policy and self.policy not in POLICIES:
            raise TillerError(f"Policy {self.policy!r} was asked for; there are {', '.join(POLICIES)}: name one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one task puts before a participant: a picture, components by attribution, and the model to try edits on."""

    bench: Bench
    image: str
    view: str
    labels: tuple[str, ...]
    target: str  # what the model says
    against: str  # what it is weighed against
    truth: str  # what it should say
    shown: tuple[tuple[int, float], ...]  # components with their effects, in the order shown

    @property
    def pushing(self) -> list[int]:
        """Components behind the present answer, the strongest first."""
        return [component for component, effect in self.shown if effect > 0] or [self.shown[0][0]]


@dataclass(slots=True)
class Trail:
    """What has come of the moves so far: the plan that stands, and how often each kind of event happened."""

    plan: SteeringPlan = field(default_factory=SteeringPlan)
    happened: Counter[str] = field(default_factory=Counter[str])

    def add(self, rows: Iterable[Record]) -> None:
        """Follow the rows of one more move."""
        for row in rows:
            self.happened[row.name] += 1
            if isinstance(row.event, Intervention):
                self.plan = row.event.after.plan

    @property
    def steps(self) -> int:
        """How many steps have changed the plan."""
        return sum(self.happened[name] for name in STEPS)


def moves_of(
    policy: str, desk: Desk, rng: Random, trail: Trail, *, least: int = 0, required: Sequence[str] = ()
) -> Iterator[Move]:
    """What a policy does, one move at a time, each made before the next is chosen; then what is asked for and missing.

    Moves that the task's tools do not offer are left out. `least` interventions are made in any case, and events
    that are `required` are brought about as far as the tools go.
    """
    if policy in PERSONAS:
        yield from (move for move in _persona(policy, desk, rng, trail) if _offered(move, desk.bench.tools))
    if policy == "random":
        yield from _random(desk, rng)
    for name in required:
        if not trail.happened[name]:
            yield from (move for move in _practice(name, desk) if _offered(move, desk.bench.tools))
    for component, _ in desk.shown:
        if trail.happened["intervention.applied"] >= least:
            break
        yield from _one_step(component, desk.bench.tools)


def expectation(asked: Expect | None, desk: Desk, rng: Random, trail: Trail) -> dict[str, object] | None:
    """What is said before the next step, where the script asks for it."""
    if asked is None or 1 + trail.steps not in asked.before:
        return None
    said: dict[str, object] = {
        "hypothesis": f"Simulated: without it, the model says less of {desk.target}.",
        "direction": rng.choice(("down", "same", "up")),
        "top1": rng.choice((desk.against, desk.target)),
        "probability": rng.randint(0, 10) / 10,
        "confidence": float(rng.randint(0, 100)),
    }
    return {name: said[name] for name in asked.ask}


def _persona(policy: str, desk: Desk, rng: Random, trail: Trail) -> Iterator[Move]:
    pushing = desk.pushing
    holding = [component for component, effect in reversed(desk.shown) if effect < 0]
    yield {"kind": "overlay", "overlay": rng.choice(("fires", "pushes")), "component": pushing[0]}
    if policy == "scanner":
        yield from _scan(pushing[: rng.randint(3, 5)])
    if policy == "sweeper":
        for strength in (0.75, 0.5, 0.25, 0.0)[rng.randint(0, 1) :]:
            yield _scaled(pushing[0], strength, "slider")
    if policy == "amplifier":
        for component in holding[: rng.randint(1, 3)]:
            yield _scaled(component, rng.choice((1.5, 2.0, 3.0)), "slider")
    for component in pushing[:5]:
        if _mended(desk, trail.plan):
            break
        if rng.random() < 0.6:
            yield {"kind": "inspect", "component": component}
        yield _scaled(component, 0.0, "button")
        if rng.random() < 0.2:
            yield {"kind": "undo"}
            yield {"kind": "redo"}
    if not _mended(desk, trail.plan) and rng.random() < 0.5:
        yield {"kind": "reset"}


def _random(desk: Desk, rng: Random) -> Iterator[Move]:
    for _ in range(rng.randint(2, 8)):
        component = rng.choice(desk.shown)[0]
        in_codes: Move = {"kind": "edit", "component": component, "unit": "code", "strength": rng.randint(1, 8) / 4}
        drawn: tuple[Move, ...] = (
            {"kind": "inspect", "component": component},
            {"kind": "overlay", "overlay": rng.choice(("fires", "pushes")), "component": component},
            _scaled(component, rng.choice((0.0, 0.25, 0.5)), "slider"),
            _scaled(component, rng.choice((1.5, 2.0, 4.0)), "slider"),
            in_codes | {"op": "set"},
            in_codes | {"op": "add"},
            {"kind": "undo"},
            {"kind": "redo"},
            {"kind": "reset"},
        )
        offered = [move for move in drawn if _offered(move, desk.bench.tools)]
        if offered:
            yield rng.choice(offered)


def _scan(components: Sequence[int]) -> Iterator[Move]:
    for component in components:
        yield {"kind": "inspect", "component": component}
        yield _scaled(component, 0.0, "button")
        yield {"kind": "undo"}


def _practice(name: str, desk: Desk) -> Iterator[Move]:
    """The moves that bring an event about, whatever was done before; none for one that nothing here brings about."""
    component = desk.pushing[0]
    step = list(_one_step(component, desk.bench.tools))
    ways: dict[str, list[Move]] = {
        "concept.inspected": [{"kind": "inspect", "component": component}],
        "explanation.changed": [{"kind": "overlay", "overlay": "fires", "component": component}],
        "intervention.applied": step,
        "intervention.undone": [*step, {"kind": "undo"}],
        "intervention.redone": [*step, {"kind": "undo"}, {"kind": "redo"}],
        "intervention.reset": [*step, {"kind": "reset"}],
        "intervention.compared": [*step, {"kind": "compare"}],
        "intervention.muted": [*step, {"kind": "mute", "component": component}],
        "claim.saved": [*step, {"kind": "claim"}],
        "scenario.saved": [*step, {"kind": "save", "title": "A"}],
    }
    yield from ways.get(name, [])


def _one_step(component: int, tools: frozenset[str]) -> Iterator[Move]:
    """A step with the first steering tool on offer, to a strength that no policy uses: it changes something."""
    ways: dict[str, Move] = {
        "suppress": _scaled(component, 0.125, "slider"),
        "amplify": _scaled(component, 1.125, "slider"),
        "set": {"kind": "edit", "component": component, "op": "set", "unit": "code", "strength": 3.125},
        "add": {"kind": "edit", "component": component, "op": "add", "unit": "code", "strength": 3.125},
    }
    yield from [move for tool, move in ways.items() if tool in tools][:1]


def _scaled(component: int, strength: float, control: str) -> Move:
    return {"kind": "edit", "component": component, "strength": strength, "control": control}


def _offered(move: Move, tools: frozenset[str]) -> bool:
    kind = str(move["kind"])
    if kind == "edit":
        act = read_act({"id": "whether-offered", "task": "any", **move})
        return isinstance(act, Setting) and (act.tool in tools or (act.tool == "restore" and bool(STEERING & tools)))
    return ("attribution" if kind in ("inspect", "overlay") else kind) in tools


def _mended(desk: Desk, plan: SteeringPlan) -> bool:
    return desk.bench.see(plan).prediction.top == desk.truth
