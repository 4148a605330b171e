"""A prediction as the log keeps it: every logit's own bytes, and the few best classes for people to read."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import BeforeValidator

from core.types import Edit, Op, Prediction, Scope, SteeringPlan
from study.state import Pinned


def _real(value: object) -> object:
    return float.fromhex(value) if isinstance(value, str) else value


def _edit(value: object) -> object:
    if not isinstance(value, dict):
        return value
    cells = cast("dict[str, object]", value)
    return Edit(
        component=cast("int", cells["component"]),
        op=Op(cast("str", cells["op"])),
        strength=cast("float", _real(cells["strength"])),
        scope=Scope(cast("str", cells["scope"])),
        patches=tuple(cast("Sequence[int]", cells["patches"])),
    )


Real = Annotated[float, BeforeValidator(_real)]  # in canonical JSON a float is its hexadecimal text
LoggedEdit = Annotated[Edit, BeforeValidator(_edit)]


@dataclass(frozen=True, slots=True)
class Chance:
    """One class and its probability."""

    label: str
    probability: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One state and what the model said there; `logits` are float32, little-endian, hexadecimal."""

    state_id: str
    edits: tuple[LoggedEdit, ...]
    logits: str
    top: tuple[Chance, ...]

    @property
    def plan(self) -> SteeringPlan:
        """The edits as a plan."""
        return SteeringPlan(self.edits)

    def prediction(self, labels: Sequence[str]) -> Prediction:
        """The prediction bit for bit, given the labels it was made with."""
        return Prediction(tuple(labels), unpack_logits(self.logits))


def shown(prediction: Prediction, plan: SteeringPlan, pinned: Pinned, *, best: int = 5) -> Shown:
    """What to log of `prediction` under `plan`, with its `best` most probable classes.

    Raises:
        ArithmeticError: a logit is not finite, so there is no most probable class to show.
    """
    if not all(map(math.isfinite, prediction.logits)):
        raise ArithmeticError("The model's logits are not all finite numbers; nothing can be shown of them.")
    probs = prediction.probs
    return Shown(
        state_id=pinned.state(plan).id,
        edits=plan.edits,
        logits=pack_logits(prediction.logits),
        top=tuple(Chance(prediction.labels[label], probs[label]) for label in prediction.ranked[:best]),
    )


def pack_logits(logits: Sequence[float]) -> str:
    """Logits as float32 little-endian hexadecimal, eight digits each; exact for what a float32 model says."""
    return struct.pack(f"<{len(logits)}f", *logits).hex()


def unpack_logits(packed: str) -> tuple[float, ...]:
    """The logits of `pack_logits`."""
    data = bytes.fromhex(packed)
    return struct.unpack(f"<{len(data) // 4}f", data)
