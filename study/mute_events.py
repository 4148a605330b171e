"""Events of one edit being switched off and on again: muted, it is kept and does not act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell
from study.predictions import LoggedEdit
from study.steering_events import Intervention, edit_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionMuted(Intervention):
    """The edit of one component stopped acting and was kept; `edit` is what can be unmuted again."""

    name: ClassVar[str] = "intervention.muted"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned", "edit"})
    component: int
    edit: LoggedEdit

    def target(self) -> str | None:
        return f"component/{self.component}"

    def cells(self) -> dict[str, Cell]:
        return {"component": self.component, **edit_cells(self.edit, "_previous"), **Intervention.cells(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionUnmuted(Intervention):
    """A muted edit acts again as it was."""

    name: ClassVar[str] = "intervention.unmuted"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned", "edit"})
    component: int
    edit: LoggedEdit

    def target(self) -> str | None:
        return f"component/{self.component}"

    def cells(self) -> dict[str, Cell]:
        return {"component": self.component, **edit_cells(self.edit, ""), **Intervention.cells(self)}
