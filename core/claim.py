"""A claim: what a plan does to named pictures, in one sentence, with the digests of all that it rests on; no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.types import Edit, Op, Rate, Scope, SteeringPlan

NAMED = 5  # edits that the sentence names; the plan holds them all
TURNS = ("plan", "random", "flipped")  # the plan itself, and the two shams of its size


@dataclass(frozen=True, slots=True)
class Line:
    """One edit of a plan, and the number in which it was given: `value` in factors, multiples of a p99, or codes."""

    edit: Edit
    value: float
    unit: str  # factor, p99 or code

    @property
    def words(self) -> str:
        """The edit as the sentence has it, such as `scaling 904 by 2 at the class token`."""
        edit, amount = self.edit, f"{self.value:g}{' p99' if self.unit == 'p99' else ''}"
        match edit.op:
            case Op.SCALE if edit.strength == 0:
                said = f"suppressing {edit.component}"
            case Op.SCALE:
                said = f"scaling {edit.component} by {amount}"
            case Op.SET:
                said = f"setting {edit.component} to {amount}"
            case Op.ADD:
                said = f"adding {amount} to {edit.component}"
        some = f"{len(edit.patches)} patch{'es' if len(edit.patches) > 1 else ''}"
        where = {Scope.ALL: "all tokens", Scope.CLASS: "the class token", Scope.PATCHES: some}.get(edit.scope)
        return said if where is None else f"{said} at {where}"


@dataclass(frozen=True, slots=True)
class Count:
    """Pictures put right and made wrong; `borderline` are those that rounding may throw over (`core.claim_figures`)."""

    fixed: int
    broken: int
    borderline: int


@dataclass(frozen=True, slots=True)
class OnSet:
    """What a plan and its two shams do to a set of labelled pictures; `sha256` is `pictures_digest` of the set.

    `pictures` are SHA-256 of the files and what they show, in order, where the claim itself has to name them.
    """

    sha256: str
    images: int
    right_before: int
    turns: Mapping[str, Count]  # by `TURNS`
    pictures: tuple[tuple[str, str], ...] = ()

    def fixed(self, turn: str = "plan") -> Rate:
        """Put right among those that were wrong."""
        return Rate(self.turns[turn].fixed, self.images - self.right_before)

    def broken(self, turn: str = "plan") -> Rate:
        """Made wrong among those that were right."""
        return Rate(self.turns[turn].broken, self.right_before)

    def as_json(self) -> dict[str, Any]:
        """Plain values; intervals are Wilson's, 95 %, to six places."""
        counted = {
            turn: {
                "fixed": _rate(self.fixed(turn)),
                "broken": _rate(self.broken(turn)),
                "borderline": self.turns[turn].borderline,
            }
            for turn in TURNS
        }
        said = {"sha256": self.sha256, "images": self.images, "right_before": self.right_before, **counted}
        return said | ({"pictures": [list(one) for one in self.pictures]} if self.pictures else {})


@dataclass(frozen=True, slots=True)
class OnPicture:
    """What the model says of the picture that the plan was made on: untouched, under the plan, and under its shams."""

    sha256: str
    shows: str | None  # None where nobody has said, or where it is kept from whoever made the claim
    before: str
    turns: Mapping[str, str]
    borderline: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        said = {"sha256": self.sha256, "shows": self.shows, "before": self.before}
        return {**said, **{turn: self.turns[turn] for turn in TURNS}, "borderline": self.borderline}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a plan does, and on what: at least one of `held_out` and `reference` is there.

    `dictionary` is the name by which its bundle calls the dictionary; digests are SHA-256.
    """

    lines: tuple[Line, ...]
    dictionary: str
    labels: tuple[str, ...]
    templates: tuple[str, ...]
    model_sha256: str
    dictionary_sha256: str
    bundle_sha256: str
    picture: OnPicture | None = None
    held_out: OnSet | None = None
    reference: OnSet | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    made: str = ""  # UTC, 2026-11-22T11:00:00Z

    @property
    def plan(self) -> SteeringPlan:
        """The edits alone."""
        return SteeringPlan(tuple(line.edit for line in self.lines))

    @property
    def sentence(self) -> str:
        """What is claimed, in words."""
        named = [line.words for line in self.lines[:NAMED]]
        left = len(self.lines) - NAMED
        if all(words.startswith("suppressing ") for words in named):  # the verb once is enough
            named = [named[0], *(words.removeprefix("suppressing ") for words in named[1:])]
        doing = _listed([*named, *([f"{left} more edit{'s' if left > 1 else ''}"] if left > 0 else [])])
        return f"{doing[0].upper()}{doing[1:]} {_found(self.held_out, self.reference)}."

    @property
    def labels_sha256(self) -> str:
        """Digest of classes and templates; the record calls it the same."""
        return digest_of({"labels": list(self.labels), "templates": list(self.templates)})

    @cached_property
    def content(self) -> dict[str, Any]:
        """Everything that the claim's own digest is taken of."""
        return {
            "format": "tiller-claim",
            "version": 1,
            "claim": self.sentence,
            "plan": [_line(line) for line in self.lines],
            "dictionary": self.dictionary,
            "labels": list(self.labels),
            "templates": list(self.templates),
            "digests": {
                "model": self.model_sha256,
                "dictionary": self.dictionary_sha256,
                "bundle": self.bundle_sha256,
                "labels": self.labels_sha256,
            },
            "picture": None if self.picture is None else self.picture.as_json(),
            "held_out": None if self.held_out is None else self.held_out.as_json(),
            "reference": None if self.reference is None else self.reference.as_json(),
            "environment": dict(self.environment),
            "made": self.made,
        }

    @cached_property
    def sha256(self) -> str:
        """The claim's own digest."""
        return digest_of(self.content)

    def as_json(self) -> dict[str, Any]:
        """What a claim's file holds."""
        return {**self.content, "sha256": self.sha256}


def pictures_digest(pictures: Iterable[tuple[str, str]]) -> str:
    """Digest of an ordered set: the SHA-256 of each file and the class that it shows; its name is no part of it."""
    return digest_of([list(one) for one in pictures])


def digest_of(value: object) -> str:
    """SHA-256 of canonical JSON: keys sorted, no spaces, every float the shortest text that reads back as itself."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _found(held_out: OnSet | None, reference: OnSet | None) -> str:
    if held_out is None and reference is not None:
        fixed, broken = reference.fixed(), reference.broken()
        wrong = f"{fixed.hits} of the {fixed.trials} reference pictures that the model gets wrong"
        return f"repairs {wrong} and breaks {broken.hits} of the {broken.trials} that it gets right"
    if held_out is None:
        raise ValueError("A claim is about one set of pictures at least.")
    said = f"repairs {held_out.fixed().hits} of {held_out.fixed().trials} held-out failures of the same cause"
    if reference is None:
        return said
    broken = reference.broken()
    return f"{said} and breaks {broken.hits} of {broken.trials} reference pictures that the model gets right"


def _line(line: Line) -> dict[str, Any]:
    edit = line.edit
    return {
        "component": edit.component,
        "op": edit.op.value,
        "strength": edit.strength,
        "value": line.value,
        "unit": line.unit,
        "scope": edit.scope.value,
        "patches": list(edit.patches),
    }


def _rate(rate: Rate) -> dict[str, int | float | None]:
    value = round(rate.value, 6) if rate.trials else None
    low, high = round(rate.low, 6), round(rate.high, 6)
    return {"hits": rate.hits, "trials": rate.trials, "value": value, "low": low, "high": high}


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
