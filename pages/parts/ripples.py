"""The ripple of a participant's present plan, for the workspace to fetch once the prediction is on the screen."""

from __future__ import annotations

from typing import Any

from core.ripple import ripple, sham
from core.types import SteeringPlan
from pages.parts.board import ripple_board
from pages.parts.opened import Opened, open_picture
from pages.parts.rig import Rig
from study.history import plan_in
from study.participants import find
from study.session import session_in


def asked_by(here: Rig, token: str) -> tuple[Opened, SteeringPlan] | None:
    """The picture and the plan that stand for the owner of `token`; None where nothing is open."""
    found = find(here.log, token)
    if found is None:
        return None
    records = here.log.read(found[0])
    place = session_in(records, here.script, session_id=found[0])
    if place.task is None or place.finished:
        return None
    return open_picture(here, here.script.tasks[place.task]), plan_in(records, place.task)


def known_ripple(here: Rig, opened: Opened, plan: SteeringPlan) -> dict[str, Any] | None:
    """What `ripple_under` would say, if it was measured before."""
    return here.ripples.peek((opened.pinned, plan))


def ripple_under(here: Rig, opened: Opened, plan: SteeringPlan) -> dict[str, Any]:
    """What `plan` does to the reference set of an opened picture; measured once for each plan."""
    bundle = opened.bundle

    def measure() -> dict[str, Any]:
        with here.gate:
            found = ripple(opened.model, bundle.sae, bundle.reference, plan)
            control = sham(opened.model, bundle.sae, bundle.reference, plan) if plan else found
        return ripple_board(found, control, opened, plan)

    return here.ripples.recall((opened.pinned, plan), measure)
