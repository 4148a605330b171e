"""The domain's words as plain frozen values, shared by engine, study and screens; no torch, no numpy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Literal

TokenSet = Literal["all", "cls", "patches"]  # what a dictionary speaks for
EMBEDDING = "embedding"
Block = int | str  # where a tower is cut: after a block, from 0, or EMBEDDING


class TillerError(Exception):
    """Base of the errors we raise for people: one sentence saying what was asked, what exists, what to do."""


class MissingArtefact(TillerError):
    """A file that should be there is not, or is not the one that was sealed."""


class Stopped(TillerError):
    """Work ended because somebody asked; the sentence says what is kept and how to go on."""


def refuse_component(component: int, components: int, refused: type[TillerError] = TillerError) -> None:
    """Refuse a component that a dictionary of so many has not, in the one sentence that every part of Tiller says."""
    if not 0 <= component < components:
        raise refused(
            f"Component {component} was asked for; the dictionary has {components:,}: name one from 0 to "
            f"{components - 1:,}."
        )


def many(count: int, thing: str) -> str:
    """A number with its noun: 1 session, 2 sessions, 1,000 sessions."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def cut_name(block: Block) -> str:
    """Where a tower is cut, in words; the embedding is that which the tower gives, before it has length 1."""
    return "the embedding" if block == EMBEDDING else f"block {block}"


def place_of(block: Block) -> str:
    """The same with its preposition."""
    return f"{'at' if block == EMBEDDING else 'after'} {cut_name(block)}"


class Op(StrEnum):
    """What an edit does to a code z; suppressing is scaling by 0."""

    SCALE = "scale"  # z' = strength * z
    SET = "set"  # z' = strength, in codes
    ADD = "add"  # z' = z + strength, in codes, not below 0 where codes are non-negative


class Scope(StrEnum):
    """Which tokens an edit reaches."""

    ACTIVE = "active"  # where the component's code is not 0
    ALL = "all"
    CLASS = "cls"
    PATCHES = "patches"


class View(StrEnum):
    """The four ways to attribute a margin to components."""

    EXACT = "exact"  # A: additive at the last block, sums to the margin
    GRADIENT = "gradient"  # B: code times gradient
    INTEGRATED = "integrated"  # C: integrated gradients over codes only
    ABLATION = "ablation"  # D: leave one out


@dataclass(frozen=True, slots=True)
class Edit:
    """One component's setting. `patches` are row-major patch indices from 0, used with Scope.PATCHES only."""

    component: int
    op: Op = Op.SCALE
    strength: float = 0.0
    scope: Scope = Scope.ACTIVE
    patches: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.component, bool) or not isinstance(self.component, int) or self.component < 0:
            raise TillerError(f"Component {self.component!r} was asked for; components are numbered from 0.")
        if not math.isfinite(self.strength):
            raise TillerError(
                f"Component {self.component} was given strength {self.strength}; a strength is a finite number."
            )
        if (self.scope is Scope.PATCHES) != bool(self.patches):
            raise TillerError(
                f"Component {self.component}: scope {self.scope} with {len(self.patches)} patches; "
                "name patches with scope `patches`, and only there."
            )
        if any(patch < 0 for patch in self.patches):
            raise TillerError(f"Component {self.component}: patch {min(self.patches)}; patches are numbered from 0.")
        object.__setattr__(self, "patches", tuple(sorted(set(self.patches))))

    @property
    def neutral(self) -> bool:
        """Whether the edit leaves every code as it is, whatever the image."""
        return (self.op is Op.SCALE and self.strength == 1.0) or (self.op is Op.ADD and self.strength == 0.0)


@dataclass(frozen=True, slots=True)
class SteeringPlan:
    """Edits, at most one per component, in component order whatever order they were given in."""

    edits: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.edits, key=lambda edit: edit.component))
        for one, two in pairwise(ordered):
            if one.component == two.component:
                raise TillerError(
                    f"Component {one.component} has two edits; a plan holds one edit per component: keep one of them."
                )
        object.__setattr__(self, "edits", ordered)

    def put(self, edit: Edit) -> SteeringPlan:
        """This plan with `edit` in place of any edit of the same component; a neutral edit takes it out."""
        others = tuple(other for other in self.edits if other.component != edit.component)
        return SteeringPlan(others if edit.neutral else (*others, edit))

    def without(self, component: int) -> SteeringPlan:
        """This plan with `component` left alone."""
        return SteeringPlan(tuple(edit for edit in self.edits if edit.component != component))

    def on(self, component: int) -> Edit | None:
        """The edit of `component`, or None where it is left alone."""
        return next((edit for edit in self.edits if edit.component == component), None)

    def __iter__(self) -> Iterator[Edit]:
        return iter(self.edits)

    def __len__(self) -> int:
        return len(self.edits)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model said: one logit (logit scale included) per label; all else is derived from the logits."""

    labels: tuple[str, ...]
    logits: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.logits):
            raise ValueError(f"{len(self.labels)} labels and {len(self.logits)} logits; there must be one per label.")

    @property
    def probs(self) -> tuple[float, ...]:
        """Softmax of the logits, one probability per label."""
        return _softmax(self.logits)

    @property
    def ranked(self) -> tuple[int, ...]:
        """Label indices, most probable first; the earlier label first on a tie."""
        return tuple(sorted(range(len(self.logits)), key=lambda label: (-self.logits[label], label)))

    @property
    def top(self) -> str:
        """The most probable label."""
        return self.labels[self.ranked[0]]

    def prob(self, label: str) -> float:
        """The probability of `label`."""
        return self.probs[self.labels.index(label)]

    def margin(self, target: int, against: int) -> float:
        """Logit of `target` minus logit of `against`."""
        return self.logits[target] - self.logits[against]


@lru_cache(maxsize=64)  # a screen asks for one label's share after another's, of a thousand
def _softmax(logits: tuple[float, ...]) -> tuple[float, ...]:
    greatest = max(logits)
    weights = [math.exp(logit - greatest) for logit in logits]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `trials` with its Wilson 95 % interval; an empty trial has rate NaN and the interval 0 to 1."""

    hits: int
    trials: int
    value: float = field(init=False)
    low: float = field(init=False)
    high: float = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.trials:
            raise ValueError(f"{self.hits} hits in {self.trials} trials.")
        value, low, high = math.nan, 0.0, 1.0
        if self.trials:
            z, n = 1.959964, self.trials
            value = self.hits / n
            centre = (value + z * z / (2 * n)) / (1 + z * z / n)
            half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
            low = 0.0 if self.hits == 0 else max(0.0, centre - half)
            high = 1.0 if self.hits == n else min(1.0, centre + half)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)


@dataclass(frozen=True, slots=True)
class ClassChange:
    """One true class in a reference set: how many of its images were right before and after a plan."""

    label: str
    images: int
    right_before: int
    right_after: int


@dataclass(frozen=True, slots=True)
class Ripple:
    """What one plan does to a labelled reference set; counts over images, predictions as label indices."""

    images: int
    fixed: int  # wrong before, right after
    broken: int  # right before, wrong after
    unchanged: int  # right before and after, or wrong before and after
    rerouted: int  # of the unchanged: wrong before and after, but another wrong class
    classes: tuple[ClassChange, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def broken_rate(self) -> Rate:
        """Broken among the images that were right before."""
        return Rate(self.broken, sum(change.right_before for change in self.classes))

    @property
    def fixed_rate(self) -> Rate:
        """Fixed among the images that were wrong before."""
        return Rate(self.fixed, self.images - sum(change.right_before for change in self.classes))

    @property
    def worst(self) -> tuple[ClassChange, ...]:
        """Classes that lost images, the greatest loss first."""
        lost = [change for change in self.classes if change.right_after < change.right_before]
        return tuple(sorted(lost, key=lambda change: (change.right_after - change.right_before, change.label)))
