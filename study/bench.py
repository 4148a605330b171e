"""One attempt's workspace: what may be done there, and a model that answers any plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.types import Edit, Prediction, Scope, SteeringPlan
from study.explanations import Explained, unlisted
from study.records import Record
from study.script.talk import Prompt
from study.script.tasks import Expect
from study.searches import Find, nothing
from study.state import Pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the model says under one plan; `edit_norm_ratio` is the edit's size over the activations' own."""

    prediction: Prediction
    edit_norm_ratio: float = 0.0
    latency_ms: float = 0.0
    cache_hit: bool = False


See = Callable[[SteeringPlan], Seen]


@dataclass(frozen=True, slots=True)
class Given:
    """An edit, and the number in which it was given: `value` in factors, multiples of a p99, or codes."""

    edit: Edit
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A claim that was measured: its digest, its sentence, its counts by name, and the text of its file."""

    sha256: str
    sentence: str
    figures: Mapping[str, int]
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another picture than the task's, which a participant may look at; `of` is the set that it belongs to."""

    of: str
    shows: str
    pinned: Pinned
    see: See


def _nowhere(_image: str) -> Elsewhere | None:
    return None


def _free(_records: Sequence[Record]) -> bool:
    return False


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
    prompts: Mapping[str, Prompt] = field(default_factory=dict[str, Prompt])  # the script's, by id
    find: Find = nothing
    explain: Explained = unlisted
    labels: tuple[str, ...] = ()  # that the model chooses from
    certify: Callable[[Sequence[Given]], Certificate] | None = None  # None: no picture to measure a claim on
    expect: Expect | None = None  # what is to be said before a step
    shows: str = ""  # what the picture really shows, for the record
    elsewhere: Callable[[str], Elsewhere | None] = _nowhere  # another picture, by the name that the page gave it
    held: Callable[[Sequence[Record]], bool] = _free  # whether a question has to be answered before anything is steered
