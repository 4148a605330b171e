"""The dictionary asked from the workspace: the components found for a question, and those found last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.finding import FOUND, active_in, means_of, moving, named_like, numbered, shown_like
from pages.parts.cards import effect_of
from pages.parts.opened import Opened
from pages.parts.pieces import card_at, piece
from pages.parts.rig import Rig
from study.concept_events import ConceptSearched
from study.records import Record
from study.searches import Query
from study.session import Session


def found_for(here: Rig, opened: Opened, query: Query) -> tuple[int, ...]:
    """The components that answer a question, the best first; a word is looked for in names, then in pictures.

    A number is that of a component, where there is such.
    """
    bundle = opened.bundle
    with here.gate:
        if query.how == "region":
            return active_in(opened.seen.codes, bundle.index, query.patches)
        if query.how == "move":
            return moving(bundle, opened.model, query.origin, query.target)
        if one := numbered(bundle.index, query.text):
            return one
        given = {component: name.called for component, name in opened.names.items()}
        means = here.pictures.recall(("means", bundle.sae.digest), lambda: means_of(bundle))
        alike = (*named_like(bundle.index, given, query.text), *shown_like(bundle, means, query.text))
    return tuple(dict.fromkeys(alike))[:FOUND]


def found_last(here: Rig, opened: Opened, place: Session, records: Iterable[Record]) -> dict[str, Any] | None:
    """The last question of this attempt and what was found; None before the first. Maps come with a card alone."""
    last, latest = None, False
    for record in records:
        event = record.event
        latest = False
        if isinstance(event, ConceptSearched) and (event.task, event.attempt) == (place.task, place.attempt):
            last, latest = (record.event_id, event), True
    if last is None:
        return None
    number, event = last

    def drawn() -> list[dict[str, Any]]:
        return [_listed(here, opened, component) for component in event.found]

    names = tuple((component, given.called) for component, given in opened.names.items())
    key = "found", opened.pinned, opened.hidden, opened.asked, opened.kept_back, names, event.found
    return {
        "number": number,
        "latest": latest,
        "how": event.how,
        "text": event.text,
        "patches": list(event.patches),
        "origin": event.origin,
        "target": event.to,
        "components": here.pictures.recall(key, drawn),
    }


def _listed(here: Rig, opened: Opened, component: int) -> dict[str, Any]:
    return piece(opened, card_at(opened, component), effect_of(here, opened, component)) | {
        "fires": None,
        "pushes": None,
    }
