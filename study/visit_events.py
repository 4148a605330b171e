"""Events of looking at another picture than the task's, under the edits that stand; the task is as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, InTask
from study.predictions import Shown
from study.state import Pinned, State
from study.steering_events import pinned_cells, shown_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOpened(InTask):
    """Another picture was opened in the workspace, to be read only; what the model says without and with the edits.

    `of` is the set that it belongs to: similar, the failures like the task's, or reference.
    """

    name: ClassVar[str] = "picture.opened"
    results: ClassVar[frozenset[str]] = frozenset({"of", "shows", "before", "after", "pinned"})
    image: str
    of: str
    shows: str
    before: Shown
    after: Shown
    pinned: Pinned

    def target(self) -> str | None:
        return self.image

    def states(self) -> tuple[State, ...]:
        return self.pinned.state(self.before.edits), self.pinned.state(self.after.edits)

    def state_ids(self) -> tuple[str | None, str | None]:
        return self.before.state_id, self.after.state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "image": self.image,
            "picture_of": self.of,
            "shows": self.shows,
            **pinned_cells(self.pinned),
            **shown_cells(self.before, "_before"),
            **shown_cells(self.after, "_after"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureClosed(InTask):
    """The way back to the task's own picture was taken."""

    name: ClassVar[str] = "picture.closed"
    image: str

    def target(self) -> str | None:
        return self.image

    def cells(self) -> dict[str, Cell]:
        return {"image": self.image}
