"""Pieces of the pages to read: the picture beside its text, the tools in plain words, what was done and recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import Prediction, SteeringPlan
from pages.parts.gallery import url_of
from pages.parts.opened import Opened
from study.records import Record

_KINDS = {
    "intervention.applied": "changes to a component",
    "intervention.undone": "undone",
    "intervention.redone": "done again",
    "intervention.reset": "resets of all edits",
    "concept.inspected": "components looked at",
    "explanation.changed": "maps laid over a picture",
    "model.predicted": "answers of the model",
    "response.submitted": "answers of yours",
}


def picture_beside(opened: Opened, caption: str = "") -> DeltaGenerator:
    """Draw the picture, with a caption under it, and give the column beside it."""
    left, right = st.columns([5, 6], gap="large")
    # An own element rather than st.image, which lays a full-screen button over the picture.
    source = escape(url_of(opened.picture, 448, opened.bundle))
    picture = f'<img src="{source}" alt="The picture of this task">'
    left.html(f'<figure class="tiller-picture">{picture}<figcaption>{escape(caption)}</figcaption></figure>')
    return right


def tools_in_words(opened: Opened) -> None:
    """Say what each tool of the workspace is for, in words that need no training."""
    st.markdown(
        f"""
##### What you will find in the workspace

- **Components** are small detectors inside the model; the strongest ones for this picture are listed, each with
  pictures that set it off. A bar to the right (orange) pushed the model towards “{opened.target}”, a bar to the left
  (blue) towards “{opened.against}”.
- **Suppress** switches a component off, **Amplify** doubles it, the slider does anything from off to three times.
  The model answers at once.
- **Where it fires** and **Where it pushes** draw a component over the picture.
- **The same edits elsewhere** counts what your edits fix and break in pictures you do not see.
- **Undo** takes a step back, as often as you like. Nothing you try can do harm.
"""
    )


def plan_in_words(opened: Opened, plan: SteeringPlan, now: Prediction) -> None:
    """Say what the participant did to the model and what it says now."""
    st.markdown(f"The model said *“{opened.target}”*; the picture shows “{opened.truth}”.")
    if not plan:
        st.markdown("You left the model as it is.")
        return
    edits = "\n".join(
        f"- {opened.bundle.index[edit.component].label} (#{edit.component}): {_verb(edit.strength)}" for edit in plan
    )
    st.markdown(f"With your edits it says **“{now.top}”** ({percent(now.prob(now.top))}):\n\n{edits}")


def recorded(records: Iterable[Record]) -> None:
    """Count what the record holds of this session, in the participant's words."""
    counts = Counter(record.name for record in records)
    lines = [f"<dt>{counts[kind]}</dt><dd>{words}</dd>" for kind, words in _KINDS.items() if counts[kind]]
    st.markdown("##### What was recorded")
    st.html(f'<dl class="tiller-counts">{"".join(lines)}</dl>')
    st.caption(f"{counts.total()} rows in all, each written before its result was shown.")


def percent(share: float) -> str:
    """A probability in whole percent that never claims to be certain."""
    return "<1 %" if share < 0.005 else ">99 %" if share > 0.995 else f"{share:.0%}"


def _verb(strength: float) -> str:
    return "suppressed" if strength == 0 else f"{'amplified' if strength > 1 else 'weakened'} to {strength:g} times"
