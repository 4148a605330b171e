"""What the model says of a picture with other classes and prompts than the task's: for the class bars alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.types import Prediction, SteeringPlan, TillerError
from pages.parts.opened import Opened, seen_under
from pages.parts.rig import Rig
from study.acts import ActRefused
from study.bench import Elsewhere, Seen
from study.class_events import ClassesChanged
from study.state import labels_digest

PROMPTS = 400  # that may be read at once: somebody waits for them


def classified(here: Rig, opened: Opened, labels: Sequence[str], templates: Sequence[str]) -> Opened:
    """`opened` with other classes; what it says, and no more of it, is under them.

    Raises:
        ActRefused: fewer than two classes, two alike, too many prompts, one without a place for the class; or the right
            class, where it is told, is not among them.
    """
    if len(labels) < 2:
        raise ActRefused(f"{len(labels)} class was given; the model chooses between two or more: add one.")
    if len(labels) * len(templates) > PROMPTS:
        raise ActRefused(
            f"{len(labels)} classes in {len(templates)} prompts are {len(labels) * len(templates)} texts; at most "
            f"{PROMPTS} are read at once: leave some out."
        )
    if not opened.hidden and opened.truth not in labels:
        raise ActRefused(f"The right class, “{opened.truth}”, has to stay among the classes; put it back in.")
    key = "classes", opened.pinned, tuple(labels), tuple(templates)
    return here.pictures.recall(key, lambda: _classified(here, opened, labels, templates))


def _classified(here: Rig, opened: Opened, labels: Sequence[str], templates: Sequence[str]) -> Opened:
    try:
        with here.gate:
            model = opened.model.labelled(labels, templates)
            clean = model.predict(opened.seen.activations)
    except TillerError as error:
        raise ActRefused(str(error)) from error
    pinned = replace(opened.pinned, labels_sha256=labels_digest(model.labels, model.templates))
    return replace(opened, model=model, seen=replace(opened.seen, clean=clean), pinned=pinned)


def classify(here: Rig, opened: Opened, labels: Sequence[str], templates: Sequence[str]) -> Elsewhere:
    """The same picture with other classes, for the record."""
    other = classified(here, opened, labels, templates)

    def see(plan: SteeringPlan) -> Seen:
        return seen_under(here, other, plan)

    return Elsewhere(of="classes", shows=other.truth, pinned=other.pinned, see=see)


def classes_board(here: Rig, opened: Opened, event: ClassesChanged | None, plan: SteeringPlan) -> dict[str, Any] | None:
    """The class bars under the classes that were put in; None where the task's own stand."""
    if event is None:
        return None
    other = classified(here, opened, event.labels, event.templates)
    before, after = other.seen.clean, seen_under(here, other, plan).prediction
    pair = [label for label in (opened.target, opened.against) if label in before.labels]
    labels = dict.fromkeys([*pair, *(before.labels[label] for label in before.ranked)])
    return {
        "labels": list(event.labels),
        "templates": list(event.templates),
        "classes": [{"label": label, "before": before.prob(label), "after": after.prob(label)} for label in labels],
        "was": _top(before),
        "now": _top(after),
    }


def _top(prediction: Prediction) -> dict[str, Any]:
    return {"label": prediction.top, "share": prediction.prob(prediction.top)}
