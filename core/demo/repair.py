"""A wrong prediction is repaired from the picture alone: attribution names the components, the truth is never asked."""

from __future__ import annotations

from core.attribution import attribute, leave_one_out
from core.model import Clip
from core.repair import SCREENED, suppressed
from core.sae import SparseAutoencoder
from core.steering import Look
from core.types import Edit, SteeringPlan, View

MOST = 5  # components a repair may suppress


def picked_plan(model: Clip, sae: SparseAutoencoder, seen: Look, *, most: int = MOST) -> SteeringPlan:
    """Suppress, where active, the component that holds up the prediction most; look again; stop when it changes.

    The target is what the model says, against its runner-up. Each round screens by code times gradient and removes
    one by one (views B and D), on the activations as the plan so far has left them.
    """
    plan = SteeringPlan()
    said = seen.clean.ranked[0]
    now = seen
    while len(plan) < most and now.clean.ranked[0] == said:
        against = now.clean.ranked[1]
        screened = attribute(model, sae, now, said, against=against, view=View.GRADIENT).ranked()
        effects = leave_one_out(model, sae, now, said, against, screened[:SCREENED])
        if not effects:
            break
        strongest = max(effects, key=lambda component: (effects[component], -component))
        if effects[strongest] <= 0:
            break
        plan = plan.put(Edit(strongest))
        now = suppressed(model, sae, seen, plan)
    return plan
