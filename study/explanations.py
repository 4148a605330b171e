"""What of the attribution is on the screen in an attempt: which margin is explained and how it is drawn, by the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from study.records import Record
from study.task_events import ExplanationChanged, TaskStarted

Layout = Literal["list", "waterfall"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A margin: the lead in logits of one label over another."""

    toward: str
    against: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The pair that was asked for, None before one was, and how its components are laid out."""

    pair: Pair | None = None
    layout: str = "list"


Explained = Callable[[Pair], tuple[int, ...]]  # the components listed for a pair, in the order shown


def unlisted(_pair: Pair) -> tuple[int, ...]:
    """The answer of a workspace that lists no components."""
    return ()


def explanation_in(records: Iterable[Record], task: str) -> Explanation:
    """What was last asked for in the present attempt at `task`; each attempt begins with the prediction's own pair."""
    found = Explanation()
    for record in records:
        match record.event:
            case TaskStarted() as event if event.task == task:
                found = Explanation()
            case ExplanationChanged() as event if event.task == task:
                if event.toward is not None and event.against is not None:
                    found = replace(found, pair=Pair(event.toward, event.against))
                found = replace(found, layout=event.layout or found.layout)
            case _:
                pass
    return found
