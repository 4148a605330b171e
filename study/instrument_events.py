"""Events of questionnaires: each item as it was answered, and each score with the version that computed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire(Happening):
    """Something about one instrument, as one version of it has its items and its scoring."""

    instrument: str  # sus, raw_tlx, ...
    version: str  # of items and scorer
    task: str | None = None  # the task that it was about; None for the session
    attempt: int = 1

    def target(self) -> str | None:
        return self.instrument

    def cells(self) -> dict[str, Cell]:
        return {"instrument": self.instrument, "instrument_version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentItemAnswered(Questionnaire):
    """One item was answered as it stood on the screen, before any reversal; `value` None is a missing answer."""

    name: ClassVar[str] = "instrument.item_answered"
    item: str
    value: Real | None = None

    def cells(self) -> dict[str, Cell]:
        return {**Questionnaire.cells(self), "item": self.item, "answer_number": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentScored(Questionnaire):
    """A score was computed from the items; None where too many are missing."""

    name: ClassVar[str] = "instrument.scored"
    result: ClassVar[bool] = True
    subscale: str = ""  # empty for the whole
    score: Real | None = None
    answered: int = 0
    items: int = 0

    def cells(self) -> dict[str, Cell]:
        own: dict[str, Cell] = {
            "subscale": self.subscale or None,
            "score": self.score,
            "items_answered": self.answered,
            "items": self.items,
        }
        return {**Questionnaire.cells(self), **own}
