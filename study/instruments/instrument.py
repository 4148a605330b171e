"""What an instrument is: items in one language on one scale, and how their answers become scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Drawn = Literal["points", "line", "terms"]
Missing = Literal["refuse", "middle", "leave_out"]


@dataclass(frozen=True, slots=True)
class Item:
    """One row; `low` and `high` name the ends of its own scale where the instrument's anchors do not."""

    id: str
    text: str = ""
    heading: str = ""
    low: str = ""
    high: str = ""
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """What may be answered: `min` to `max` in steps, and a "no response" where the instrument has words for it.

    Points are a row of choices under their anchors, a line is one mark between two ends, terms are choices between
    two opposite terms.
    """

    drawn: Drawn
    min: int
    max: int
    step: int = 1
    anchors: tuple[tuple[int, str], ...] = ()
    no_response: str = ""

    @property
    def places(self) -> tuple[int, ...]:
        """Every value that can be answered, lowest first."""
        return tuple(range(self.min, self.max + 1, self.step))


@dataclass(frozen=True, slots=True)
class Subscale:
    """Items that have a score together, by their ids; the whole has the id ""."""

    id: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One score; None where too many items are missing."""

    subscale: str
    score: float | None
    answered: int
    items: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire as one version has it, in one language, with the name of the tool already in its sentences."""

    id: str
    version: str
    language: str
    title: str
    instruction: str
    items: tuple[Item, ...]
    scale: Scale
    direction: str
    subscales: tuple[Subscale, ...]
    missing: Missing
    scoring: str
    licence: str
    citation: str
    wording: str
