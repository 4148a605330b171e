"""What every kind of event has: fields that are frozen, a place in the table, cells of its own in the export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.state import State

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What every kind shares: its place in the table, and which fields were not asked for but found."""

    name: ClassVar[str]
    results: ClassVar[frozenset[str]] = frozenset()  # fields computed in answering, which a retry may fill otherwise
    result: ClassVar[bool] = False  # the whole event is computed in answering

    def target(self) -> str | None:
        """What the act was about, for the `target` column; never free text."""
        return None

    def states(self) -> tuple[State, ...]:
        """States that this event refers to, to be kept in full."""
        return ()

    def state_ids(self) -> tuple[str | None, str | None]:
        """Ids of the state before and after, for their columns."""
        return None, None

    def in_media(self) -> tuple[str | None, float | None]:
        """The recording or transcript that it is about, and its ms there, for their columns."""
        return None, None

    def voids(self) -> str | None:
        """The earlier event that stands no longer, for its column."""
        return None

    def cells(self) -> dict[str, Cell]:
        """The kind's own columns in the tidy export."""
        return {}

    def said(self) -> tuple[str, ...]:
        """What a person wrote or spoke: an erasure searches for it, and a participant's is quoted by consent only."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InTask(Happening):
    """Something that belongs to one try at one task."""

    task: str
    attempt: int = 1
