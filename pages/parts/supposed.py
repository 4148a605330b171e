"""What the model would have said at a moment of a session under another strength or a sham; nothing of it is logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from core.ripple import Control
from core.sham import sham_of
from core.steering import Steered, steer
from core.types import Edit, Op, Prediction, TillerError
from pages.parts.opened import Opened
from pages.parts.rig import Rig
from pages.parts.screen import standing_at
from pages.parts.sheets import edit_in_words
from study.acts import MOST

CLASSES = 8


def suppose(rig: Rig, session_id: str, seq: int, asked: Mapping[str, str]) -> dict[str, Any]:
    """The counterfactual beside what was logged at row `seq`.

    Args:
        rig: the app's.
        session_id: the session.
        seq: its row.
        asked: `component` and `strength` (with `op`: scale, set or add, in factors or codes) for another plan, or
            `control` (random or flipped, with `seed`) for a sham of the plan as it stood.

    Raises:
        TillerError: there is no such moment, or what was asked for makes no sense.
    """
    stands = standing_at(rig, session_id, seq)
    opened, said = stands.opened, stands.said
    plan = said.after.plan
    logged = said.after.prediction(opened.model.labels)
    model, sae, seen = opened.model, opened.bundle.sae, opened.seen
    if "control" in asked:
        kind, seed = asked["control"], _number(asked.get("seed", "0"))
        if kind not in ("random", "flipped") or not plan:
            raise TillerError("A sham was asked for; there is a random and a flipped one, of a plan that has edits.")
        with rig.gate:
            sham = sham_of(model, sae, seen, plan, kind=cast("Control", kind), seed=int(seed))
        steered, what = sham.steered, _sham_in_words(opened, kind, sham.component, sham.factor)
    else:
        plan = plan.put(_edit(asked, opened))
        with rig.gate:
            steered = steer(model, sae, seen, plan)
        what = "; ".join(edit_in_words(opened, edit, "en") for edit in plan) or "no edit at all"
    return {
        "what": what,
        "classes": _classes(opened, logged, steered.prediction),
        "logged": {"top": logged.top, "share": logged.prob(logged.top), "size": said.edit_norm_ratio},
        "now": _top(steered),
    }


def _edit(asked: Mapping[str, str], opened: Opened) -> Edit:
    component, strength, op = _number(asked.get("component", "")), _number(asked.get("strength", "")), asked.get("op")
    if op not in (None, *Op) or component != int(component) or not 0 <= component < opened.bundle.sae.size:
        raise TillerError(
            f"Component {asked.get('component')} under {op or 'scale'} was asked for; there are components 0 to "
            f"{opened.bundle.sae.size - 1}, and scale, set and add."
        )
    return Edit(int(component), Op(op or "scale"), strength)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if not abs(value) <= max(MOST, 2**31):
        raise TillerError(f"{text[:40]!r} was given for a number; write one such as 0.5.")
    return value


def _sham_in_words(opened: Opened, kind: str, component: int | None, factor: float) -> str:
    if kind == "flipped":
        return "the plan's own change turned round, of the same size"
    if component is None:
        return "some other component's direction, of the plan's size, for nothing else is active here"
    name = f"{opened.name_of(component)} (#{component})"
    return f"{name} taken away {factor:.2g} times in place of the plan, a change of the same size"


def _classes(opened: Opened, logged: Prediction, now: Prediction) -> list[dict[str, Any]]:
    clean = opened.seen.clean
    order = [opened.target, opened.against, logged.top, now.top, *(logged.labels[at] for at in logged.ranked)]
    return [
        {"label": label, "clean": clean.prob(label), "logged": logged.prob(label), "now": now.prob(label)}
        for label in list(dict.fromkeys(order))[:CLASSES]
    ]


def _top(steered: Steered) -> dict[str, Any]:
    said = steered.prediction
    return {"top": said.top, "share": said.prob(said.top), "size": steered.edit_norm_ratio}
