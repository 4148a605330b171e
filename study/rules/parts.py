"""What a rule is made of once it is read, and what each part comes to."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from study.rules.words import RuleError, Value, Word

COMPARE: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EQUALITY = ("==", "!=")

Values = Mapping[str, Value | None]


class Kind(StrEnum):
    """What two values must share to be compared."""

    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"
    OPEN = "of any kind"


KINDS: dict[type, Kind] = {
    bool: Kind.TRUTH,
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    object: Kind.OPEN,
}


@dataclass(frozen=True, slots=True)
class Part(ABC):
    """Something in a rule that has a value."""

    word: Word  # where it begins
    kind: Kind

    @abstractmethod
    def worth(self, values: Values) -> Value | None:
        """What it comes to; None where that is not known."""

    def holds(self, values: Values) -> bool:
        """Whether it is true; what is not known is not."""
        return self.worth(values) is True


@dataclass(frozen=True, slots=True)
class Literal(Part):
    """A value that the rule itself holds."""

    value: Value

    def worth(self, values: Values) -> Value:
        return self.value


@dataclass(frozen=True, slots=True)
class Name(Part):
    """A value that is asked for when the rule is."""

    def worth(self, values: Values) -> Value | None:
        value = values[self.word.said]
        if value is None or value != value:  # noqa: PLR0124 - not a number, as a share of nothing
            return None
        kind = kind_of(value)
        if kind is Kind.OPEN or self.kind not in (Kind.OPEN, kind):
            raise TypeError(f"{self.word.said} was declared {self.kind}; its value is {value!r}.")
        return value


@dataclass(frozen=True, slots=True)
class Comparison(Part):
    """Two values and the sign between them."""

    left: Part
    sign: str
    right: Part

    def worth(self, values: Values) -> bool:
        left, right = self.left.worth(values), self.right.worth(values)
        if left is None or right is None:
            return False
        if kind_of(left) is not kind_of(right):
            return self.sign == "!="
        if self.sign not in EQUALITY and kind_of(left) is not Kind.NUMBER:
            return False
        return COMPARE[self.sign](left, right)


@dataclass(frozen=True, slots=True)
class Among(Part):
    """A value that a list holds, or does not."""

    left: Part
    options: tuple[Value, ...]
    inside: bool

    def worth(self, values: Values) -> bool:
        left = self.left.worth(values)
        if left is None:
            return False
        return self.inside is any(kind_of(left) is kind_of(one) and left == one for one in self.options)


@dataclass(frozen=True, slots=True)
class Negation(Part):
    """A condition turned round."""

    inner: Part

    def worth(self, values: Values) -> bool:
        return not self.inner.holds(values)


@dataclass(frozen=True, slots=True)
class Joined(Part):
    """Conditions joined by `and`, or by `or`."""

    parts: tuple[Part, ...]
    every: bool

    def worth(self, values: Values) -> bool:
        return (all if self.every else any)(part.holds(values) for part in self.parts)


def kind_of(value: Value) -> Kind:
    """The kind of one value; OPEN for what is no value of a rule."""
    return next(kind for known, kind in KINDS.items() if isinstance(value, known))


def condition(part: Part) -> Part:
    """`part`, which stands where true or false must.

    Raises:
        RuleError: it is a number or a text.
    """
    if part.kind not in (Kind.TRUTH, Kind.OPEN):
        advice = f"{part.word.said} > 0" if part.kind is Kind.NUMBER else f"{part.word.said} == 'text'"
        raise RuleError(part.word.column, f"{part.word.said} is {part.kind} and no condition; compare it, as {advice}")
    return part


def fit(left: Part, sign: Word, right: Part) -> None:
    """Refuse a comparison of two kinds, or an order of what is no number.

    Raises:
        RuleError: with the part that does not fit.
    """
    for one in (left, right):
        if sign.said not in EQUALITY and one.kind not in (Kind.NUMBER, Kind.OPEN):
            raise RuleError(
                one.word.column, f"{sign.said} orders numbers, and {one.word.said} is {one.kind}; write == or !="
            )
    if Kind.OPEN not in (left.kind, right.kind) and left.kind is not right.kind:
        raise RuleError(
            right.word.column,
            f"{left.word.said} is {left.kind}, {right.word.said} is {right.kind}, and they are never equal; "
            f"compare it with {left.kind}",
        )
