"""What the edits do to the task's own picture beside its prediction: side effects, strangeness, interaction."""

from __future__ import annotations

import math
from typing import Any

from core.distance import FAR, Neighbours, neighbours_of
from core.joint import joint_effect
from core.reencoding import side_effects, steered_activations
from core.types import Scope, SteeringPlan
from pages.parts.opened import Opened, seen_under
from pages.parts.rig import Rig

LISTED = 6
NOTICED = 0.05  # of a p99; a smaller change is none to a reader


def aftermath(here: Rig, opened: Opened, plan: SteeringPlan) -> dict[str, Any] | None:
    """All three as plain values; None where nothing is edited."""
    if not plan:
        return None
    index, sae, seen = opened.bundle.index, opened.bundle.sae, opened.seen
    with here.gate:
        changed = side_effects(sae, seen, plan, lambda component: index[component].unit(Scope.ALL))
        steered = steered_activations(sae, seen, plan)[0]
        moved = (steered - seen.activations[0]).norm(dim=-1)
        share = _neighbours(here, opened).share_nearer(steered, moved)
    noticed = [one for one in changed if abs(one.after - one.before) >= NOTICED]
    target, against = opened.attribution.target, opened.attribution.against
    joint = joint_effect(lambda one: seen_under(here, opened, one).prediction, plan, target, against)
    return {
        "side": [
            {"index": one.component, "name": opened.name_of(one.component), "before": one.before, "after": one.after}
            for one in noticed[:LISTED]
        ],
        "sides": len(noticed),
        "nearer": None if share is None or math.isnan(share) else share,
        "far": share is not None and share > FAR,
        "joint": joint and {"together": joint.together, "apart": joint.apart, "interaction": joint.interaction},
        "target": opened.target,
        "against": opened.against,
    }


def _neighbours(here: Rig, opened: Opened) -> Neighbours:
    bundle = opened.bundle
    return here.neighbours.recall(bundle.sae.digest, lambda: neighbours_of(bundle.reference))
