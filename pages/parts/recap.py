"""A session looked back on: each picture with what was done and answered, and how much of it stands in the record."""

from __future__ import annotations

from collections import Counter
from html import escape

import streamlit as st

from pages.parts.gallery import url_of
from pages.parts.here import Here
from pages.parts.names import named
from pages.parts.opened import open_picture, seen_under
from pages.parts.sheets import edit_in_words, figure, share_in_words
from pages.parts.words import say
from study.answers import answers_in
from study.history import plan_in
from study.records import Record
from study.script import Answer, Choice, FreeText, Slider
from study.session import Step
from study.task_events import ExplanationChanged, ResponseSubmitted

_KINDS = {
    "intervention.applied": ("done.kinds.edit", "done.kinds.edits"),
    "intervention.undone": ("done.kinds.undo", "done.kinds.undos"),
    "intervention.redone": ("done.kinds.redo", "done.kinds.redos"),
    "intervention.reset": ("done.kinds.reset", "done.kinds.resets"),
    "concept.inspected": ("done.kinds.look", "done.kinds.looks"),
    "explanation.changed": ("done.kinds.map", "done.kinds.maps"),
    "model.predicted": ("done.kinds.prediction", "done.kinds.predictions"),
    "response.submitted": ("done.kinds.answer", "done.kinds.answers"),
}


def pictures_of(who: Here) -> None:
    """Each handed-in picture: what the model said, what it says under the last plan, and what the participant said."""
    st.html(f'<div class="tiller-tasks">{"".join(_task(who, key) for key in who.place.submitted)}</div>')


def recorded(who: Here) -> None:
    """Count what the record holds of this session, in the participant's words."""
    counts = Counter(record.name for record in who.records if _counts(record))
    parts = [f"{counts[kind]} {say(words[counts[kind] > 1])}" for kind, words in _KINDS.items() if counts[kind]]
    st.caption(
        say("done.recorded", participant=who.place.participant, parts=", ".join(parts), rows=len(who.records)),
    )


def _counts(record: Record) -> bool:
    # the tutorial says that nothing there is counted; and the plain picture is no map, nor is another list
    event = record.event
    plain = isinstance(event, ExplanationChanged) and event.overlay in (None, "off")
    return record.row["page"] != Step.TUTORIAL and not plain


def _task(who: Here, key: str) -> str:
    task = who.rig.script.tasks[key]
    opened = named(who.rig, who.records, open_picture(who.rig, task))
    plan = plan_in(who.records, key)
    now = seen_under(who.rig, opened, plan).prediction
    told = [] if opened.hidden else [say("done.shows", truth=escape(opened.truth))]
    share = share_in_words(opened.seen.clean.prob(opened.target))
    told.append(say("done.said", target=escape(opened.target), share=share))
    if plan:
        done = "; ".join(edit_in_words(opened, edit) for edit in plan)
        share = share_in_words(now.prob(now.top))
        told.append(say("done.left", top=escape(now.top), share=share, done=escape(done)))
    given = answers_in(who.records, key)
    answers = "".join(
        f"<div><dt>{escape(one.label)}</dt><dd>{escape(answer_in_words(one, given[one.id]))}</dd></div>"
        for one in task.answers
        if one.id in given
    )
    source = escape(url_of(opened.picture, 448, opened.bundle))
    alt = escape(say("plan.picture" if opened.hidden else "done.shows", truth=opened.truth))
    return (
        f'<figure><img src="{source}" alt="{alt}"><figcaption><p>{" ".join(told)}</p>'
        f"{f'<dl>{answers}</dl>' if answers else ''}</figcaption></figure>"
    )


def answer_in_words(asked: Answer, given: ResponseSubmitted) -> str:
    """An answer as its participant gave it: their words, the option's, or the number with its scale."""
    match asked:
        case FreeText():
            return say("done.words", text=given.text)
        case Choice():
            return next((one.label for one in asked.options if one.id == given.text), given.text)
        case Slider():
            return say("done.number", number=figure(given.number or 0.0), min=asked.min, max=asked.max)
