"""The smallest set of components whose suppression puts a picture right, by the exact effect of each."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.attribution import attribute, leave_one_out
from core.codes import Codes
from core.model import Clip
from core.sae import SparseAutoencoder
from core.steering import Look, edited, steer
from core.types import Edit, Prediction, SteeringPlan, View

SCREENED = 24  # components removed one by one, in each round


@dataclass(frozen=True, slots=True)
class Repair:
    """A plan of suppressions under which the right class leads; `before` and `after` are the model's own words."""

    plan: SteeringPlan
    before: Prediction
    after: Prediction

    @property
    def components(self) -> tuple[int, ...]:
        """What is suppressed."""
        return tuple(edit.component for edit in self.plan)


def lead_of(said: Prediction, target: int) -> float:
    """Logit of `target` less the best other."""
    return said.logits[target] - said.logits[rival_of(said, target)]


def rival_of(said: Prediction, target: int) -> int:
    """The best class that is not `target`."""
    return next(each for each in said.ranked if each != target)


def find_repair(
    model: Clip, sae: SparseAutoencoder, seen: Look, truth: int, *, lead: float = 0.0, most: int = 5
) -> Repair | None:
    """At most `most` suppressions by which `truth` leads by more than `lead` logits; None where greed finds none.

    Each round screens the active components by code times gradient, for the rival of the right class as it stands, and
    takes out the one whose removal costs the rival most, computed exactly. What turns out not to be needed is put back.
    The result is that of one steered pass, not of a sum of effects.
    """
    plan, now = SteeringPlan(), seen
    while lead_of(now.clean, truth) <= lead:
        if len(plan) == most:
            return None
        rival = rival_of(now.clean, truth)
        screened = attribute(model, sae, now, rival, against=truth, view=View.GRADIENT)
        pushing = [each for each in screened.ranked() if screened.scores[each] > 0][:SCREENED]
        effects = leave_one_out(model, sae, now, rival, truth, pushing) if pushing else {}
        strongest = max(effects, key=lambda each: (effects[each], -each), default=None)
        if strongest is None or effects[strongest] <= 0:
            return None
        plan = plan.put(Edit(strongest))
        now = suppressed(model, sae, seen, plan)
    for edit in reversed(plan.edits):
        fewer = plan.without(edit.component)
        if lead_of(suppressed(model, sae, seen, fewer).clean, truth) > lead:
            plan = fewer
    after = steer(model, sae, seen, plan).prediction
    return Repair(plan, seen.clean, after) if plan.edits and lead_of(after, truth) > lead else None


@torch.no_grad()
def suppressed(model: Clip, sae: SparseAutoencoder, seen: Look, plan: SteeringPlan) -> Look:
    """The picture as a plan of suppressions leaves it: those codes gone, the reconstruction error as it was."""
    change = edited(seen.codes, plan, sae)
    x = seen.activations.clone()
    x[0, change.rows] += sae.shift(change.values, change.components, at=x[0, change.rows])
    gone = torch.tensor([edit.component for edit in plan], dtype=seen.codes.components.dtype)
    kept = ~torch.isin(seen.codes.components, gone.to(seen.codes.components.device))
    codes = Codes(seen.codes.rows[kept], seen.codes.components[kept], seen.codes.values[kept], seen.codes.shape)
    return Look(x, codes, Prediction(model.labels, tuple(model.logits(x)[0].tolist())))
