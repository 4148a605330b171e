"""Events about the classes that the model chooses from, where a participant asks what it would say with others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, InTask
from study.predictions import Shown
from study.state import Pinned, State
from study.steering_events import pinned_cells, shown_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesChanged(InTask):
    """Other classes and prompts were put in for the class bars; no `labels`: the task's own came back.

    What the model says is without the edits that stood and with them; `pinned` has the digest of the classes. Nothing
    else counts under them: interventions, ripples and claims stay with the task's.
    """

    name: ClassVar[str] = "classes.changed"
    results: ClassVar[frozenset[str]] = frozenset({"before", "after", "pinned"})
    labels: tuple[str, ...]
    templates: tuple[str, ...]
    before: Shown
    after: Shown
    pinned: Pinned

    def states(self) -> tuple[State, ...]:
        return self.pinned.state(self.before.edits), self.pinned.state(self.after.edits)

    def state_ids(self) -> tuple[str | None, str | None]:
        return self.before.state_id, self.after.state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "labels": json.dumps(self.labels, ensure_ascii=False) if self.labels else None,
            "templates": json.dumps(self.templates, ensure_ascii=False) if self.templates else None,
            **pinned_cells(self.pinned),
            **shown_cells(self.before, "_before"),
            **shown_cells(self.after, "_after"),
        }

    def said(self) -> tuple[str, ...]:
        return (*self.labels, *self.templates)
