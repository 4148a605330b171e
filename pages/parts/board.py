"""What the workspace shows, as plain values for the browser: all of it follows from the log and the opened picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.types import Op, Prediction, SteeringPlan
from pages.parts.acts import still_to_try
from pages.parts.cards import edition, tasks_begun
from pages.parts.claims import claim_board
from pages.parts.classes import classes_board
from pages.parts.gallery import url_of
from pages.parts.here import Here
from pages.parts.opened import Opened
from pages.parts.pieces import fires_at, known, maps, piece
from pages.parts.prompts import talk
from pages.parts.pulse import progress
from pages.parts.scenarios import scenarios_board
from pages.parts.searches import found_last
from pages.parts.settings import reach, setting
from pages.parts.visits import visited
from pages.parts.words import say, words_for
from study.bench import Seen
from study.classes import classes_in
from study.explanations import explanation_in
from study.history import History
from study.records import Record
from study.session import Session
from study.steering_events import InterventionApplied
from study.task_events import ConceptInspected, ExplanationChanged
from study.visits import visit_in

CLASSES = 12


def board(who: Here, opened: Opened, history: History, seen: Seen) -> dict[str, Any]:
    """Everything on the workspace but the ripple, which is measured after the prediction is painted."""
    script, place = who.rig.script, who.place
    before, after = opened.seen.clean, seen.prediction
    cards = edition(opened, tasks_begun(who.records))
    still = who.rig.pictures.recall(("still", opened.pinned, opened.hidden, cards), lambda: _still(opened))
    goal = "workspace.goal_open" if opened.hidden else "workspace.goal"
    return {
        **still,
        "picture": {**still["picture"], "alt": say("workspace.picture.alt", script.language)},
        "session": who.session_id[:12],
        "task": place.order,
        "words": _words(opened, script.language),
        "place": say("task.place", script.language, order=place.order, tasks=place.tasks),
        "goal": say(goal, script.language, truth=opened.truth, target=opened.said),
        "aloud": script.aloud.split(". ")[0].rstrip(".") + "." if script.aloud else "",
        "tools": list(place.tools),
        "progress": progress(who),
        "still_to_try": still_to_try(who.records, place),
        **_said(opened, before, after),
        "changed": classes_board(
            who.rig, opened, classes_in(who.records, str(place.task), place.attempt), history.plan
        ),
        "task_classes": {"labels": list(opened.model.labels), "templates": list(opened.model.templates)},
        "components": _under(still, history.plan),
        "found": _found(who, opened),
        "regions": opened.bundle.sae.convention.tokens != "cls" and not opened.bundle.model.reads_one_token,
        "edits": [setting(opened, each) for each in history.plan],
        "muted": [setting(opened, each) for each in history.muted],
        "newest_first": list(history.newest_first),
        "cards": cards,
        "can_undo": bool(history.past),
        "can_redo": bool(history.future),
        "size": seen.edit_norm_ratio,
        "state": state_of(opened, history.plan),
        "claim": claim_board(who.rig, who.records, str(place.task), opened, history.plan),
        "scenarios": scenarios_board(who, opened, history, seen),
        "view": _view(who.records, place, opened),
        "visit": _visit(who, opened, history.plan),
        "talk": talk(who, opened),
    }


def _words(opened: Opened, language: str) -> dict[str, str]:
    """The workspace's words; at the embedding, where no token is a patch or gathers from them, some are others."""
    others = words_for("embedding", language) if opened.model.at_embedding else {}
    return words_for("workspace", language) | others


def state_of(opened: Opened, plan: SteeringPlan) -> str:
    """A short name of what is on the screen: picture, model, dictionary, labels and edits."""
    return opened.pinned.state(plan).id[:16]


def _visit(who: Here, opened: Opened, plan: SteeringPlan) -> dict[str, Any] | None:
    """What takes the place of the task's picture while another is open: as the task's, and as it was logged."""
    event = visit_in(who.records, str(who.place.task))
    other = event and visited(who.rig, opened, frozenset(who.place.tools), event.image)
    if event is None or other is None:
        return None
    cards = edition(other, tasks_begun(who.records))
    still = who.rig.visits.recall(("still", other.pinned, cards), lambda: _still(other))
    before, after = (each.prediction(other.model.labels) for each in (event.before, event.after))
    alt = say("workspace.visit.alt", who.rig.script.language, shows=other.truth)
    return {
        **still,
        "picture": {**still["picture"], "alt": alt},
        **_said(other, before, after),
        "changed": None,
        "components": _under(still, plan),
        "found": _found(who, other),
        "cards": cards,
        "name": event.image,
        "state": event.after.state_id[:16],
    }


def _found(who: Here, opened: Opened) -> dict[str, Any] | None:
    """What was searched for last, with each component's share of this picture's prediction."""
    return found_last(who.rig, opened, who.place, who.records) if "search" in who.place.tools else None


def _said(opened: Opened, before: Prediction, after: Prediction) -> dict[str, Any]:
    """What the model says of a picture without and with the edits."""
    return {
        "classes": [
            {"label": label, "before": before.prob(label), "after": after.prob(label)}
            for label in _classes(opened, after.top)
        ],
        "was": _top(before),
        "now": _top(after),
    }


def _under(still: Mapping[str, Any], plan: SteeringPlan) -> list[dict[str, Any]]:
    """The components of a picture with the factor that `plan` gives each; 1 where none stands."""
    strengths = {edit.component: edit.strength for edit in plan if edit.op is Op.SCALE}
    return [{**component, "strength": strengths.get(component["index"], 1.0)} for component in still["components"]]


def _still(opened: Opened) -> dict[str, Any]:
    """The part of the board that no act changes."""
    grid = opened.attribution.grid
    drawn, clean = maps(opened), opened.seen.clean
    pushes = [opened.attribution.patches(each.index) for each in opened.shown] if drawn else []
    return {
        "picture": {"url": url_of(opened.picture, 448, opened.bundle), "grid": grid},
        "maps": drawn,
        "one_token": opened.model.at_embedding,
        "reach": reach(opened),
        "shows": opened.shows,
        "target": opened.target,
        "against": opened.against,
        "own": {"target": opened.own.toward, "against": opened.own.against},
        "labels": [clean.labels[each] for each in clean.ranked],
        "explanation": opened.attribution.view.value,
        "agreement": opened.agreement,
        "outside": {
            "components": len(opened.attribution.components) - len(opened.shown),
            "score": opened.attribution.beyond(component.index for component in opened.shown),
            "error": opened.attribution.error,
            "rest": opened.attribution.bias + opened.attribution.constant,
        },
        "explains": opened.attribution.dictionary_explains,
        "explained": known(opened.attribution.explained_share),
        "pushes_scale": max((float(np.abs(each).max()) for each in pushes), default=0.0),
        "components": [piece(opened, each, opened.effects[each.index]) for each in opened.shown],
    }


def _first(opened: Opened) -> int:
    """The strongest of those shown that fire on a patch, so that there is a map to see."""
    mapped = (each.index for each in opened.shown if fires_at(opened, each.index).any())
    return next(mapped, opened.shown[0].index)


def _classes(opened: Opened, now: str) -> list[str]:
    before = opened.seen.clean
    named = [opened.own.toward, opened.own.against, *(before.labels[label] for label in before.ranked)]
    listed = list(dict.fromkeys(named))[:CLASSES]
    # A pair that was chosen and the answer `now` stand among them, and those of its own keep their places.
    missing = [label for label in dict.fromkeys((opened.target, opened.against, now)) if label not in listed]
    return [*listed[: CLASSES - len(missing)], *missing]


def _top(prediction: Prediction) -> Mapping[str, Any]:
    return {"label": prediction.top, "share": prediction.prob(prediction.top)}


def _view(records: Sequence[Record], place: Session, opened: Opened) -> dict[str, Any]:
    """The component, overlay and layout last looked at in this attempt, so that a reload finds them again."""
    chosen, overlay, touched = _first(opened), "fires", False
    for record in records:
        match record.event:
            case ConceptInspected() as event if event.task == place.task:
                chosen, touched = event.component, True
            case InterventionApplied() as event if event.task == place.task:  # what the hand is on comes into view
                chosen, touched = event.component, True
            case ExplanationChanged() as event if event.task == place.task and event.overlay:
                overlay = event.overlay
            case _:
                pass
    layout = explanation_in(records, str(place.task)).layout if "waterfall" in place.tools else "list"
    return {"chosen": chosen, "overlay": overlay, "touched": touched, "layout": layout}
