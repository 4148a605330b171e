"""Who is at work in the workspace: the owner of a link, for whatever its page asks for beside the acts."""

from __future__ import annotations

from dataclasses import dataclass

from pages.parts.names import named
from pages.parts.opened import Opened, open_picture
from pages.parts.rig import Rig
from study.participants import find
from study.records import Record
from study.session import Session, Step, session_in

_STEPS = (Step.WORKSPACE, Step.TUTORIAL)  # where components may be looked at and steered


@dataclass(frozen=True, eq=False)
class AtWork:
    """A session with its task's picture open, its components under the names that the session reads."""

    records: tuple[Record, ...]
    place: Session
    task: str
    opened: Opened

    @property
    def tools(self) -> frozenset[str]:
        """What the script offers here."""
        return frozenset(self.place.tools)


def at_work(here: Rig, token: str, tool: str) -> AtWork | None:
    """The session of `token` if it is in the workspace, is not paused and has `tool`; acts ask for the same."""
    found = find(here.log, token)
    if found is None:
        return None
    records = here.log.read(found[0])
    place = session_in(records, here.script, session_id=found[0])
    if place.task is None or place.paused or place.step not in _STEPS or tool not in place.tools:
        return None
    opened = named(here, records, open_picture(here, here.script.tasks[place.task]))
    return AtWork(records, place, place.task, opened)
