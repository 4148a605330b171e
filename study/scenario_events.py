"""Events of scenarios: the plan that acts, kept under a name, and brought back by one intervention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, InTask
from study.predictions import Shown
from study.state import Pinned, State
from study.steering_events import Intervention, pinned_cells, shown_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSaved(InTask):
    """The plan that acted was kept under `title`, with what the model said; later rows name it by this row's id."""

    name: ClassVar[str] = "scenario.saved"
    results: ClassVar[frozenset[str]] = frozenset({"after", "pinned"})
    title: str
    after: Shown
    pinned: Pinned

    def states(self) -> tuple[State, ...]:
        return (self.pinned.state(self.after.edits),)

    def state_ids(self) -> tuple[str | None, str | None]:
        return None, self.after.state_id

    def cells(self) -> dict[str, Cell]:
        return {"scenario_title": self.title, **pinned_cells(self.pinned), **shown_cells(self.after, "_after")}

    def said(self) -> tuple[str, ...]:
        return (self.title,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRenamed(InTask):
    """A scenario was given another name."""

    name: ClassVar[str] = "scenario.renamed"
    scenario: str
    title: str

    def cells(self) -> dict[str, Cell]:
        return {"scenario_event_id": self.scenario, "scenario_title": self.title}

    def said(self) -> tuple[str, ...]:
        return (self.title,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioDeleted(InTask):
    """A scenario was taken off the list; what it was stays in the record."""

    name: ClassVar[str] = "scenario.deleted"
    scenario: str

    def cells(self) -> dict[str, Cell]:
        return {"scenario_event_id": self.scenario}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionRecalled(Intervention):
    """A scenario's plan took the place of the one that acted; nothing is muted then."""

    name: ClassVar[str] = "intervention.recalled"
    scenario: str

    def cells(self) -> dict[str, Cell]:
        return {"scenario_event_id": self.scenario, **Intervention.cells(self)}
