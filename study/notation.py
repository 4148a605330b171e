"""Edits as a person types them: `12:suppress`, `40:scale=2`, `7:set=1.5`, `9:add=1`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.types import Edit, Op, Scope, SteeringPlan, TillerError

EDIT = re.compile(r"(?P<component>[0-9]{1,18}):(?:(?P<suppress>suppress)|(?P<op>scale|set|add)=(?P<value>[^=]+))")

Unit = Callable[[int, Scope], float]


@dataclass(frozen=True, slots=True)
class Reach:
    """A token scope as typed: `all`, `active`, `cls`, or `patches=0,1`."""

    scope: Scope
    patches: tuple[int, ...] = ()


def read_scope(text: str) -> Reach:
    """The scope that `text` names."""
    name, _, places = text.partition("=")
    try:
        patches = tuple(int(place) for place in places.split(",")) if places else ()
        scope = Scope(name)
        if (scope is Scope.PATCHES) != bool(patches):
            raise ValueError(text)
    except ValueError as error:
        raise TillerError(
            f"Scope {text!r} was asked for; there are all, active, cls and patches=0,1,... (patches counted from 0): "
            "name one of these."
        ) from error
    return Reach(scope, patches)


def read_edit(text: str, reach: Reach, unit: Unit) -> Edit:
    """The edit that `text` names, its strength in codes.

    Args:
        text: `COMPONENT:suppress`, or `COMPONENT:scale|set|add=NUMBER`.
        reach: the tokens that it edits.
        unit: the size in codes of one step of `set` or `add`, for a component and a scope; called for those two only.
    """
    found = EDIT.fullmatch(text.strip())
    if found is None:
        raise TillerError(
            f"Edit {text[:60]!r} cannot be read; an edit is COMPONENT:suppress or COMPONENT:scale=2, :set=1.5, :add=1."
        )
    component = int(found["component"])
    if found["suppress"]:
        return Edit(component, Op.SCALE, 0.0, reach.scope, reach.patches)
    op = Op(found["op"])
    try:
        value = float(found["value"])
    except ValueError as error:
        raise TillerError(f"Edit {text!r}: {found['value']!r} is not a number; write one such as 1.5.") from error
    strength = value if op is Op.SCALE else value * unit(component, reach.scope)
    return Edit(component, op, strength, reach.scope, reach.patches)


def read_plan(texts: Iterable[str], scope: str, unit: Unit) -> SteeringPlan:
    """The plan of all `texts`; two edits of one component are refused."""
    reach = read_scope(scope)
    return SteeringPlan(tuple(read_edit(text, reach, unit) for text in texts))


def read_labels(text: str) -> tuple[str, ...]:
    """Class names from a comma-separated list; one that is empty or repeated is the zero-shot head's to refuse."""
    if not text.strip(" ,"):
        raise TillerError("Class names were asked for, and none was given; name two or more, such as 'boat,car'.")
    return tuple(label.strip() for label in text.split(","))


def find_label(labels: tuple[str, ...], wanted: str) -> int:
    """The place of `wanted` among `labels`."""
    if wanted not in labels:
        raise TillerError(f"Class {wanted!r} was asked for; the classes are {', '.join(labels)}: name one of them.")
    return labels.index(wanted)
