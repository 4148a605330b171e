"""The findings of a study as its log has them: every figure with its number, its interval and its participants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from study.findings.durations import durations
from study.findings.figure import REPLICATES, SEED, Figure, Finding, Point
from study.findings.grounds import expected, shift, trust
from study.findings.portrait import Portrait, portrait_in, portrait_of, portraits
from study.findings.repair import Measured, Measurements, Spread, held_out, repair
from study.findings.strategies import course, dominant, tried
from study.strategies import VERSION

__all__ = [
    "Figure",
    "Finding",
    "Findings",
    "Measured",
    "Measurements",
    "Point",
    "Portrait",
    "Spread",
    "findings_of",
    "portrait_in",
    "portrait_of",
    "portraits",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What one study's sessions come to; whoever withdrew or began no task is counted in no figure."""

    people: tuple[Portrait, ...]
    came: int
    completed: int
    withdrawn: int
    rejected: int
    erased: int
    simulated: int
    all: tuple[Finding, ...]

    def plain(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "rules": VERSION,
            "bootstrap": {"replicates": REPLICATES, "seed": SEED, "resampled": "participants"},
            "came": self.came,
            "participants": len(self.people),
            "simulated": self.simulated,
            "completed": self.completed,
            "withdrawn": self.withdrawn,
            "rejected": self.rejected,
            "erased": self.erased,
            "findings": [one.plain() for one in self.all],
        }

    def of(self, key: str) -> Finding:
        """The finding of that key."""
        return next(one for one in self.all if one.key == key)


def findings_of(sessions: Iterable[Portrait | None], measured: Measurements | None = None) -> Findings:
    """The findings of these sessions.

    Args:
        sessions: portraits; None stands for a session whose words were erased.
        measured: what the plans that were handed in do to held-out pictures; None if the model was not asked.
    """
    held = list(sessions)
    known = [one for one in held if one is not None]
    counted = [one for one in known if one.took_part]
    people = tuple(sorted(counted, key=lambda one: (len(one.participant), one.participant, one.session)))
    return Findings(
        people=people,
        came=len(held),
        completed=sum(one.outcome == "completed" for one in people),
        withdrawn=sum(one.outcome == "withdrawn" for one in known),
        rejected=sum(one.outcome == "rejected" for one in known),
        erased=len(held) - len(known),
        simulated=sum(one.simulated for one in people),
        all=(
            dominant(people),
            shift(people),
            trust(people),
            repair(people),
            held_out(people, measured),
            expected(people),
            tried(people),
            course(people),
            durations(people),
        ),
    )
