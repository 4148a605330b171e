"""The edit that an act asks for, its strength in codes whatever unit the control has."""

from __future__ import annotations

import math

from core.types import Edit, Op, Scope
from study.acts import ActRefused, Preview, Setting
from study.bench import Bench


def edit_asked(act: Setting | Preview, bench: Bench) -> Edit:
    """The edit of one component.

    Raises:
        ActRefused: the component has no p99 to be set in multiples of.
    """
    scope, strength = Scope(act.scope), act.strength
    if act.op != "scale" and act.unit == "p99":
        unit = bench.unit(act.component, scope)
        if math.isnan(unit):
            raise ActRefused(
                f"Component {act.component} was to be {act.op} in multiples of its p99; none is known for it. "
                "Use scale, or give codes."
            )
        strength *= unit
    return Edit(act.component, Op(act.op), strength, scope, act.patches)
