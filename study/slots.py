"""Slots: the cells that a study's factors cross to, and which of them a newcomer takes so that all fill evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from types import MappingProxyType

from study.state import digest

BLOCK = 4  # slots that change places among themselves and with no others


class Standing(StrEnum):
    """What became of the session that took a slot."""

    COMPLETED = "completed"
    LIVE = "live"
    GIVEN_BACK = "given back"  # withdrawn, rejected, timed out, past its window, or never consented


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell of the design: its number, from 0, and its level of each factor, from 0."""

    number: int
    levels: Mapping[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """The slot that one session took."""

    session: str
    slot: int
    standing: Standing


@dataclass(frozen=True, slots=True)
class Share:
    """How often one level of a factor was taken."""

    factor: str
    level: int
    completed: int
    live: int
    given_back: int


def slots(factors: Mapping[str, int]) -> tuple[Slot, ...]:
    """The cross product of `factors`, each with its number of levels, in their order of priority.

    The first factor changes fastest: the first slots balance it before all others. A design without factors has one
    slot.
    """
    if any(levels < 1 for levels in factors.values()):
        raise ValueError(f"A factor has at least one level; these are {dict(factors)}.")
    cells = product(*(range(levels) for levels in reversed([*factors.values()])))
    return tuple(
        Slot(number, MappingProxyType(dict(zip(factors, reversed(cell), strict=True))))
        for number, cell in enumerate(cells)
    )


def mixed(listed: Sequence[Slot], seed: str | int) -> tuple[Slot, ...]:
    """The slots in an order that only who knows the study's `seed` foresees; each stays in its block of four."""
    order = {slot.number: (place // BLOCK, digest(f"{seed}/{slot.number}")) for place, slot in enumerate(listed)}
    return tuple(sorted(listed, key=lambda slot: order[slot.number]))


def choose(listed: Sequence[Slot], taken: Iterable[Taken]) -> Slot:
    """The slot with the fewest sessions that are completed or live, the first in the list where several have."""
    if not listed:
        raise ValueError("A slot was to be chosen of none; a design without factors has one.")
    held = Counter(one.slot for one in taken if one.standing is not Standing.GIVEN_BACK)
    return min(listed, key=lambda slot: held[slot.number])


def balance(listed: Sequence[Slot], taken: Iterable[Taken]) -> tuple[Share, ...]:
    """How evenly the levels of each factor are filled, factors in their order of priority."""
    by_number = {slot.number: slot for slot in listed}
    counts = Counter(
        (factor, level, one.standing)
        for one in taken
        if one.slot in by_number
        for factor, level in by_number[one.slot].levels.items()
    )
    factors = listed[0].levels if listed else ()
    return tuple(
        Share(factor, level, *(counts[factor, level, standing] for standing in Standing))
        for factor in factors
        for level in sorted({slot.levels[factor] for slot in listed})
    )
