"""Pieces of the pages to read: the picture beside its text, the model's answer drawn, the tools in plain words."""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import Edit, Prediction, SteeringPlan
from pages.parts.gallery import url_of
from pages.parts.opened import Opened

ROWS = 4

_TOOLS = """
<dl class="tiller-tools">
<div><dt>Components</dt><dd>are small detectors inside the model. Those that matter most for this picture are listed,
each with other pictures that set it off. Orange bars push towards “{target}”, blue ones towards “{against}”.</dd></div>
<div><dt>Suppress, Amplify</dt><dd>switch a component off, or double it; the slider does anything from off to three
times. The model answers at once.</dd></div>
<div><dt>Where it fires, Where it pushes</dt><dd>draw the chosen component over the picture.</dd></div>
<div><dt>Same edits elsewhere</dt><dd>counts what your edits fix and break in pictures you do not see. Undo takes
back as many steps as you like: nothing you try does harm.</dd></div>
</dl>
"""


def picture_beside(opened: Opened, now: Prediction | None = None) -> DeltaGenerator:
    """Draw the picture with the model's answer under it, edited where `now` is given; give the column beside it."""
    left, right = st.columns([5, 6], gap="large")
    # An own element rather than st.image, which lays a full-screen button over the picture.
    source = escape(url_of(opened.picture, 448, opened.bundle))
    picture = f'<img src="{source}" alt="The picture of this task">'
    left.html(f'<figure class="tiller-picture">{picture}</figure>{_says(opened, now)}')
    return right


def eyebrow(words: str) -> None:
    """A line of small print over a title."""
    with st.container(key="eyebrow"):
        st.caption(words)


def tools_in_words(opened: Opened) -> None:
    """Say what each tool of the workspace is for, in words that need no training."""
    st.markdown("##### What you will find in the workspace")
    st.html(_TOOLS.format(target=escape(opened.target), against=escape(opened.against)))


def plan_in_words(opened: Opened, plan: SteeringPlan, now: Prediction) -> None:
    """Say what the participant did to the model and what it says now."""
    if not plan:
        st.markdown(f"You left the model as it is: it says “{opened.target}”, and the picture shows “{opened.truth}”.")
        return
    edits = "; ".join(edit_in_words(opened, edit) for edit in plan)
    verb = "still says" if now.top == opened.target else "says"
    st.markdown(f"With your edits it {verb} **“{now.top}”** ({percent(now.prob(now.top))}). You {edits}.")


def edit_in_words(opened: Opened, edit: Edit) -> str:
    """`suppressed printed word “boat” (#12)`, `suppressed object: cup (#7) to 0.5 times`."""
    name = f"{opened.bundle.index[edit.component].label} (#{edit.component})"
    if edit.strength == 0:
        return f"suppressed {name}"
    return f"{'amplified' if edit.strength > 1 else 'suppressed'} {name} to {edit.strength:g} times"


def percent(share: float) -> str:
    """A probability in whole percent that never claims to be certain; the workspace writes it the same way."""
    return "<1%" if share < 0.005 else ">99%" if share > 0.995 else f"{share:.0%}"


def many(count: int, thing: str) -> str:
    """A count with its noun: `1 session`, `1,204 sessions`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _says(opened: Opened, now: Prediction | None) -> str:
    before = opened.seen.clean
    after = before if now is None else now
    first = [opened.target, opened.against, after.top, *(before.labels[place] for place in before.ranked)]
    sides = {opened.target: "target", opened.against: "against"}
    rows = []
    for label in list(dict.fromkeys(first))[:ROWS]:
        share = percent(after.prob(label))
        was = "" if now is None else f'<i class="was" style="left:{before.prob(label):.2%}"></i>'
        rows.append(
            f'<div data-side="{sides.get(label, "other")}"{" data-top" if label == after.top else ""} role="img" '
            f'aria-label="{escape(label)}: {share}"><span>{escape(label)}</span><span class="track">{was}'
            f'<i class="now" style="width:{after.prob(label):.2%}"></i></span><span class="share">{share}</span></div>'
        )
    head = "What the model says" if now is None else "What the model says with your edits; the mark is before them"
    return f'<div class="tiller-says"><p>{head}</p>{"".join(rows)}</div>'
