"""A task's questions as its script declares them, and what was answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from study.script import FreeText, Slider, Task
from study.task_events import ResponseSubmitted

_ASSETS = Path(__file__).parent / "assets"
LONGEST = 5000

_scale = component(
    "tiller_scale",
    html=(_ASSETS / "scale.html").read_text(encoding="utf-8"),
    css=(_ASSETS / "scale.css").read_text(encoding="utf-8"),
    js=(_ASSETS / "scale.js").read_text(encoding="utf-8"),
)


def ask(task: Task, order: int) -> None:
    """Draw the questions of `task`, the session's task number `order`."""
    for question in task.answers:
        name = _name(order, question.id)
        match question:
            case FreeText():
                st.text_area(question.label, key=name, help=question.help, max_chars=LONGEST, height=110)
            case Slider():
                held = _marked(name)
                data = {
                    "label": question.label,
                    "min": question.min,
                    "max": question.max,
                    "low": question.low or str(question.min),
                    "high": question.high or str(question.max),
                    "value": question.start if held is None else held,
                }
                _scale(key=name, data=data, on_value_change=lambda: None)


def answers_given(task: Task, key: str, attempt: int, order: int) -> tuple[list[ResponseSubmitted], list[str]]:
    """The answers as events, and the labels of required questions that have none."""
    given: list[ResponseSubmitted] = []
    missing: list[str] = []
    for question in task.answers:
        name = _name(order, question.id)
        text, number = "", None
        if isinstance(question, FreeText):
            text = str(st.session_state.get(name) or "").strip()[:LONGEST]
        else:
            number = _marked(name)
            if number is not None and not question.min <= number <= question.max:
                number = None
        if text or number is not None:
            given.append(ResponseSubmitted(task=key, attempt=attempt, item=question.id, text=text, number=number))
        elif question.required:
            missing.append(question.label)
    return given, missing


def _name(order: int, question: str) -> str:
    return f"answer-{order}-{question}"


def _marked(name: str) -> float | None:
    held: Any = st.session_state.get(name) or {}
    value = held.get("value")
    return float(value) if isinstance(value, int | float) else None
