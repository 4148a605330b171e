"""A session looked back on: each picture with what was done and answered, and how much of it stands in the record."""

from __future__ import annotations

from collections import Counter
from html import escape

import streamlit as st

from pages.parts.gallery import url_of
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.sheets import edit_in_words, percent
from study.session import answers_in, plan_in

_KINDS = {
    "intervention.applied": ("edit", "edits"),
    "intervention.undone": ("undo", "undos"),
    "intervention.redone": ("redo", "redos"),
    "intervention.reset": ("reset", "resets"),
    "concept.inspected": ("component looked at", "components looked at"),
    "explanation.changed": ("map drawn", "maps drawn"),
    "model.predicted": ("answer of the model", "answers of the model"),
    "response.submitted": ("answer to a question", "answers to questions"),
}


def pictures_of(who: Here) -> None:
    """Each handed-in picture: what the model said, what it says under the last plan, and what the participant said."""
    st.html(f'<div class="tiller-tasks">{"".join(_task(who, key) for key in who.place.submitted)}</div>')


def recorded(who: Here) -> None:
    """Count what the record holds of this session, in the participant's words."""
    counts = Counter(record.name for record in who.records)
    parts = [f"{counts[kind]} {words[counts[kind] > 1]}" for kind, words in _KINDS.items() if counts[kind]]
    st.caption(
        f"Recorded as {who.place.participant}: {', '.join(parts)}; {counts.total()} rows in all, each written "
        "before its result was shown."
    )


def _task(who: Here, key: str) -> str:
    opened = open_picture(who.rig, who.rig.script.tasks[key])
    plan = plan_in(who.records, key)
    now = seen_under(who.rig, opened, plan).prediction
    said = answers_in(who.records, key).values()
    words = " ".join(f"<q>{escape(answer.text)}</q>" for answer in said if answer.text)
    done = "; ".join(edit_in_words(opened, edit) for edit in plan) or "no edit"
    source = escape(url_of(opened.picture, 448, opened.bundle))
    return (
        f'<figure><img src="{source}" alt="A picture that shows {escape(opened.truth)}"><figcaption>'
        f"It shows “{escape(opened.truth)}”. The model said “{escape(opened.target)}” "
        f"({percent(opened.seen.clean.prob(opened.target))}); as you left it, it says <b>“{escape(now.top)}”</b> "
        f"({percent(now.prob(now.top))}): {escape(done)}.<br>{words}</figcaption></figure>"
    )
