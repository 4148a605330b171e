"""Other pictures than the task's in the workspace: which may be opened, and what the model makes of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core.ripple import ReferenceSet
from core.types import SteeringPlan
from pages.parts.gallery import address_of
from pages.parts.held_out import similar_set
from pages.parts.opened import Opened, explaining, open_another, seen_under
from pages.parts.rig import Rig
from study.bench import Elsewhere, Seen
from study.records import Record
from study.visits import visit_in

Sets = dict[str, ReferenceSet]  # by kind: similar, reference


def sets_of(here: Rig, opened: Opened, tools: frozenset[str]) -> Sets:
    """The sets that the same edits are tried on: failures like the task's where they are on offer, and the bundle's."""
    sets = {"reference": opened.bundle.reference}
    picture = next((one for one in here.tasks.values() if one.file == opened.picture), None)
    # A set of failures like this one would say that it is one.
    if "similar" in tools and picture is not None and not opened.hidden:
        similar = similar_set(here, opened.bundle, opened.model, picture)
        return {"similar": similar, **sets} if similar is not None else sets
    return sets


def may_open(here: Rig, sets: Sets, tools: frozenset[str]) -> frozenset[str]:
    """The names of the pictures that may be opened; no task's own, for it is to be met as a task."""
    if "open" not in tools:
        return frozenset()
    tasks = {here.tasks[task.picture].file for task in here.script.tasks.values()}
    return frozenset(name for one in sets.values() for name in one.names) - tasks


def elsewhere(here: Rig, opened: Opened, tools: frozenset[str], address: str) -> Elsewhere | None:
    """The picture at `address`, if it may be opened beside `opened`."""
    found = _found(here, opened, tools, address)
    if found is None:
        return None
    of, other = found

    def see(plan: SteeringPlan) -> Seen:
        return seen_under(here, other, plan)

    return Elsewhere(of=of, shows=other.truth, pinned=other.pinned, see=see)


def visited(here: Rig, opened: Opened, tools: frozenset[str], address: str) -> Opened | None:
    """What the model makes of the picture at `address`, under the task's dictionary, names, classes and chosen pair."""
    found = _found(here, opened, tools, address)
    return None if found is None else explaining(here, replace(found[1], names=opened.names), opened.asked)


def facing(here: Rig, opened: Opened, tools: frozenset[str], records: Iterable[Record], task: str) -> Opened:
    """The picture that is on the screen: another one while it is open, else the task's."""
    event = visit_in(records, task)
    other = event and visited(here, opened, tools, event.image)
    return other or opened


def _found(here: Rig, opened: Opened, tools: frozenset[str], address: str) -> tuple[str, Opened] | None:
    sets = sets_of(here, opened, tools)
    named = may_open(here, sets, tools)
    for of, one in sets.items():
        for name, truth in zip(one.names, one.truth, strict=True):
            if name in named and address_of(name, opened.bundle) == address:
                return of, open_another(here, opened, name, one.labels[truth])
    return None
