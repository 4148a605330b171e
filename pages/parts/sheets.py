"""Pieces of the pages to read: the picture beside its text, the model's answer drawn, the tools in plain words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import Edit, Op, Prediction, Scope, SteeringPlan
from pages.parts.gallery import url_of
from pages.parts.opened import Opened
from pages.parts.settings import amount_of
from pages.parts.words import say
from study.records import Record

ROWS = 4
_SAID = {"task.timed_out": "gate.time_over", "task.skipped": "gate.skipped"}
_TURNS = {*_SAID, "task.started", "task.submitted", "page.left"}

_TOOLS = (
    ("components", "components_are"),
    ("steer", "steer_does"),
    ("set", "set_does"),
    ("maps", "maps_do"),
    ("elsewhere", "elsewhere_counts"),
)


def picture_beside(opened: Opened, now: Prediction | None = None) -> DeltaGenerator:
    """Draw the picture with the model's answer under it, edited where `now` is given; give the column beside it."""
    left, right = st.columns([5, 6], gap="large")
    # An own element rather than st.image, which lays a full-screen button over the picture.
    source = escape(url_of(opened.picture, 448, opened.bundle))
    picture = f'<img src="{source}" alt="{escape(say("plan.picture"))}">'
    left.html(f'<figure class="tiller-picture">{picture}</figure>{_says(opened, now)}')
    return right


def eyebrow(words: str) -> None:
    """A line of small print over a title."""
    with st.container(key="eyebrow"):
        st.caption(words)


def what_came_before(records: Iterable[Record]) -> None:
    """One sentence, if the last task ended without its participant: its time was over, or it was left out."""
    last = [record.name for record in records if record.name in _TURNS]
    if last and last[-1] in _SAID:
        st.info(say(_SAID[last[-1]]), icon=None)


def tools_in_words(opened: Opened, tools: Collection[str]) -> None:
    """Say what each tool of the workspace is for, in words that need no training."""
    names = {"target": escape(opened.target), "against": escape(opened.against)}
    steers = "suppress" in tools or "amplify" in tools
    absent = {"steer", "elsewhere"} if not steers else set[str]()
    absent |= set() if {"set", "add"} <= set(tools) else {"set"}
    absent |= set() if "ripple" in tools else {"elsewhere"}
    absent |= {"maps"} if opened.bundle.sae.convention.tokens == "cls" else set()  # nothing has a place in the picture
    told = [(one, are) for one, are in _TOOLS if one not in absent]
    rows = (f"<div><dt>{say(f'tools.{one}')}</dt><dd>{say(f'tools.{are}', **names)}</dd></div>" for one, are in told)
    st.markdown(f"##### {say('tools.title')}")
    st.html(f'<dl class="tiller-tools">{"".join(rows)}</dl>')


def plan_in_words(opened: Opened, plan: SteeringPlan, now: Prediction) -> None:
    """Say what the participant did to the model and what it says now."""
    if not plan:
        key = "plan.untouched_open" if opened.hidden else "plan.untouched"
        st.markdown(say(key, target=opened.target, truth=opened.truth))
        return
    edits = "; ".join(edit_in_words(opened, edit) for edit in plan)
    key = "plan.still" if now.top == opened.target else "plan.now"
    st.markdown(say(key, top=now.top, share=share_in_words(now.prob(now.top)), edits=edits))


def edit_in_words(opened: Opened, edit: Edit, language: str | None = None) -> str:
    """`suppressed printed word “boat” (#12)`, `set object: cup (#7) to 1.5 p99 on all tokens`."""
    name = f"{opened.name_of(edit.component)} (#{edit.component})"
    strength, unit = amount_of(opened, edit)
    factor = figure(strength, language)
    amount = say("plan.in_codes" if unit == "code" else "plan.in_p99", language, number=figure(abs(strength), language))
    match edit.op:
        case _ if edit.strength == 0:
            done = say("plan.suppressed", language, name=name)
        case Op.SCALE:
            key = "plan.amplified_to" if edit.strength > 1 else "plan.suppressed_to"
            done = say(key, language, name=name, strength=factor)
        case Op.SET:
            minus = "\N{MINUS SIGN}" if strength < 0 else ""
            done = say("plan.set_to", language, name=name, amount=f"{minus}{amount}")
        case Op.ADD:
            done = say("plan.raised_by" if strength > 0 else "plan.lowered_by", language, name=name, amount=amount)
    return f"{done}{_reach_in_words(edit, language)}"


def _reach_in_words(edit: Edit, language: str | None) -> str:
    """Where an edit reaches, with a space before it; empty where its operation reaches that by itself."""
    everywhere = Scope.ACTIVE if edit.op is Op.SCALE or edit.strength == 0 else None
    if edit.scope in (everywhere, Scope.ALL if everywhere else None):
        return ""
    words = {Scope.ACTIVE: "plan.on_active", Scope.ALL: "plan.on_all", Scope.CLASS: "plan.on_cls"}
    return " " + say(words.get(edit.scope, "plan.on_patches"), language, count=len(edit.patches))


def figure(number: float, language: str | None = None) -> str:
    """A number as the participant's language writes it: 0,5."""
    return f"{number:g}".replace(".", say("workspace.figures.point", language))


def percent(share: float) -> str:
    """A probability in whole percent that never claims to be certain; the workspace writes it the same way."""
    return "<1%" if share < 0.005 else ">99%" if share > 0.995 else f"{share:.0%}"


def share_in_words(share: float, language: str | None = None) -> str:
    """`percent` as the participant's language writes it: 99 %."""
    return say("workspace.figures.percent", language, number=percent(share).removesuffix("%"))


def foremost(opened: Opened, after: Prediction) -> list[str]:
    """The few classes to tell of: the margin's two, the answer, and those most likely before the edits or after."""
    before = opened.seen.clean
    likely = sorted(before.labels, key=lambda label: -max(before.prob(label), after.prob(label)))
    return list(dict.fromkeys((opened.target, opened.against, after.top, *likely)))[:ROWS]


def _says(opened: Opened, now: Prediction | None) -> str:
    before = opened.seen.clean
    after = before if now is None else now
    sides = {opened.target: "target", opened.against: "against"}
    rows = []
    for label in foremost(opened, after):
        share = share_in_words(after.prob(label))
        was = "" if now is None else f'<i class="was" style="left:{before.prob(label):.2%}"></i>'
        rows.append(
            f'<div data-side="{sides.get(label, "other")}"{" data-top" if label == after.top else ""} role="img" '
            f'aria-label="{escape(label)}: {share}"><span>{escape(label)}</span><span class="track">{was}'
            f'<i class="now" style="width:{after.prob(label):.2%}"></i></span><span class="share">{share}</span></div>'
        )
    head = say("plan.says" if now is None else "plan.says_edited")
    return f'<div class="tiller-says"><p>{head}</p>{"".join(rows)}</div>'
