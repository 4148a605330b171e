"""What the workspace shows, as plain values for the browser: all of it follows from the log and the opened picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from core.types import Component, Prediction, Rate, Ripple, Scope, SteeringPlan
from pages.parts.acts import still_to_try
from pages.parts.gallery import url_of
from pages.parts.here import Here
from pages.parts.opened import Opened
from pages.parts.prompts import talk
from pages.parts.pulse import progress
from pages.parts.words import say, words_for
from study.bench import Seen
from study.history import History
from study.records import Record
from study.session import Session
from study.task_events import ConceptInspected, ExplanationChanged

CLASSES = 12
EXEMPLARS = {"top": 8, "middle": 4, "low": 4}


def board(who: Here, opened: Opened, history: History, seen: Seen) -> dict[str, Any]:
    """Everything on the workspace but the ripple, which is measured after the prediction is painted."""
    script, place = who.rig.script, who.place
    before, after = opened.seen.clean, seen.prediction
    still = who.rig.pictures.recall(("still", opened.pinned, opened.hidden), lambda: _still(opened))
    goal = "workspace.goal_open" if opened.hidden else "workspace.goal"
    strengths = {edit.component: edit.strength for edit in history.plan}
    return {
        **still,
        "picture": {**still["picture"], "alt": say("workspace.picture.alt", script.language)},
        "session": who.session_id[:12],
        "task": place.order,
        "words": words_for("workspace", script.language),
        "place": say("task.place", script.language, order=place.order, tasks=place.tasks),
        "goal": say(goal, script.language, truth=opened.truth, target=opened.target),
        "aloud": script.aloud.split(". ")[0].rstrip(".") + "." if script.aloud else "",
        "tools": list(place.tools),
        "progress": progress(who),
        "still_to_try": still_to_try(who.records, place),
        "classes": [
            {"label": label, "before": before.prob(label), "after": after.prob(label)} for label in _classes(opened)
        ],
        "was": _top(before),
        "now": _top(after),
        "components": [
            {**component, "strength": strengths.get(component["index"], 1.0)} for component in still["components"]
        ],
        "edits": [
            {"index": each.component, "name": opened.bundle.index[each.component].label, "strength": each.strength}
            for each in history.plan
        ],
        "can_undo": bool(history.past),
        "can_redo": bool(history.future),
        "size": seen.edit_norm_ratio,
        "state": state_of(opened, history.plan),
        "view": _view(who.records, place, opened),
        "talk": talk(who, opened),
    }


def state_of(opened: Opened, plan: SteeringPlan) -> str:
    """A short name of what is on the screen: picture, model, dictionary, labels and edits."""
    return opened.pinned.state(plan).id[:16]


def ripple_board(found: Ripple, control: Ripple, opened: Opened, plan: SteeringPlan) -> dict[str, Any]:
    """The ripple of `plan` as counts with Wilson 95 % intervals, the classes that lost most, and the sham's counts."""
    # The unchanged of the record hold those that are wrong under another name now; a reader would not call them so.
    rates = {
        "fixed": found.fixed_rate,
        "broken": found.broken_rate,
        "other": Rate(found.rerouted, found.fixed_rate.trials),
        "same": Rate(found.unchanged - found.rerouted, found.images),
    }
    return {
        "state": state_of(opened, plan),
        "edits": len(plan),
        "images": found.images,
        "sham": {"fixed": control.fixed, "broken": control.broken},
        **{
            kind: {
                "hits": rate.hits,
                "trials": rate.trials,
                "value": rate.value if rate.trials else None,
                "low": rate.low,
                "high": rate.high,
            }
            for kind, rate in rates.items()
        },
        "worst": [
            {"label": change.label, "lost": change.right_before - change.right_after, "images": change.right_before}
            for change in found.worst[:3]
        ],
    }


def _still(opened: Opened) -> dict[str, Any]:
    """The part of the board that no act changes."""
    grid = opened.attribution.grid
    maps = opened.attribution.per_token is not None and not opened.bundle.model.is_last
    pushes = {each.index: opened.attribution.patches(each.index) for each in opened.shown} if maps else {}
    return {
        "picture": {"url": url_of(opened.picture, 448, opened.bundle), "grid": grid},
        "maps": maps,
        "shows": opened.shows,
        "target": opened.target,
        "against": opened.against,
        "agreement": opened.agreement,
        "outside": {
            "components": len(opened.attribution.components) - len(opened.shown),
            "score": opened.attribution.beyond(component.index for component in opened.shown),
            "error": opened.attribution.error,
        },
        "explains": opened.attribution.dictionary_explains,
        "explained": opened.attribution.explained_share,
        "pushes_scale": max((float(np.abs(each).max()) for each in pushes.values()), default=0.0),
        "components": [_component(opened, each, pushes.get(each.index)) for each in opened.shown],
    }


def _component(opened: Opened, component: Component, pushes: np.ndarray | None) -> dict[str, Any]:
    fires = _fires(opened, component.index)
    bands = {
        "top": component.exemplars_top,
        "middle": component.exemplars_middle,
        "low": component.exemplars_low,
    }
    return {
        "index": component.index,
        "name": component.label,
        "score": opened.attribution.scores[component.index],
        "effect": opened.effects[component.index],
        "activation": opened.attribution.activation[component.index],
        "density": component.density,
        "fit": _known(component.label_score),
        "p99": _known(component.p99),
        "exemplars": {
            band: [url_of(name, 96, opened.bundle) for name in names[: EXEMPLARS[band]]]
            for band, names in bands.items()
        },
        "fires": _rounded(fires),
        "fires_scale": _p99(component, float(fires.max(initial=0.0))),
        # No patch of the picture stands for the class token, so the maps need its share in numbers.
        "class_code": _class_code(opened, component.index),
        "class_push": opened.attribution.class_part[component.index],
        "patch_push": opened.attribution.patch_part[component.index],
        "pushes": None if pushes is None else _rounded(pushes),
    }


def _fires(opened: Opened, component: int) -> np.ndarray:
    rows, values = opened.seen.codes.of(component)
    flat = np.zeros(opened.attribution.grid**2)
    flat[rows[rows > 0].numpy() - 1] = values[rows > 0].numpy()
    return flat


def _class_code(opened: Opened, component: int) -> float:
    rows, values = opened.seen.codes.of(component)
    return float(values[rows == 0].sum())


def _p99(component: Component, otherwise: float) -> float:
    unit = component.unit(Scope.PATCHES)
    return unit if unit > 0 else max(otherwise, 1e-9)


def _first(opened: Opened) -> int:
    """The strongest of those shown that fire on a patch, so that there is a map to see."""
    mapped = (each.index for each in opened.shown if _fires(opened, each.index).any())
    return next(mapped, opened.shown[0].index)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.3g}") for value in values.reshape(-1)]


def _classes(opened: Opened) -> list[str]:
    before = opened.seen.clean
    named = [opened.target, opened.against, *(before.labels[label] for label in before.ranked)]
    return list(dict.fromkeys(named))[:CLASSES]


def _top(prediction: Prediction) -> Mapping[str, Any]:
    return {"label": prediction.top, "share": prediction.prob(prediction.top)}


def _view(records: Iterable[Record], place: Session, opened: Opened) -> dict[str, Any]:
    """The component and the overlay last looked at in this attempt, so that a reload finds them again."""
    chosen, overlay, touched = _first(opened), "fires", False
    for record in records:
        match record.event:
            case ConceptInspected() as event if event.task == place.task:
                chosen, touched = event.component, True
            case ExplanationChanged() as event if event.task == place.task and event.overlay:
                overlay = event.overlay
            case _:
                pass
    return {"chosen": chosen, "overlay": overlay, "touched": touched}
