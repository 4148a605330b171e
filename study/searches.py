"""A question to the dictionary: for a word, for a region of the picture, or for what turns one answer into another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

How = Literal["word", "region", "move"]


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; `patches` are of the task's own picture, whichever is on the screen."""

    how: How
    text: str = ""
    patches: tuple[int, ...] = ()
    origin: str = ""
    target: str = ""


Find = Callable[[Query], tuple[int, ...]]


def nothing(_query: Query) -> tuple[int, ...]:
    """The answer of a workspace that has no dictionary to ask."""
    return ()
