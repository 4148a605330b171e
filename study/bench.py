"""One attempt's workspace: what may be done there, and a model that answers any plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.types import Prediction, Scope, SteeringPlan
from study.records import Record
from study.script.talk import Prompt
from study.script.tasks import Expect
from study.state import Pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the model says under one plan; `edit_norm_ratio` is the edit's size over the activations' own."""

    prediction: Prediction
    edit_norm_ratio: float = 0.0
    latency_ms: float = 0.0
    cache_hit: bool = False


See = Callable[[SteeringPlan], Seen]


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
    expect: Expect | None = None  # what is to be said before a step
    shows: str = ""  # what the picture really shows, for the record
    held: Callable[[Sequence[Record]], bool] = _free  # whether a question has to be answered before anything is steered
