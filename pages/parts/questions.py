"""Questions as a script declares them, for a task or a page: what was answered, and what is still being written."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st
from streamlit.components.v2 import component

from pages.parts.here import Here
from pages.parts.words import say, words_for
from study.answers import drafts_in
from study.database import LogUnavailable
from study.script import Answer, Choice, FreeText, Slider
from study.task_events import ResponseChanged, ResponseSubmitted

_ASSETS = Path(__file__).parent / "assets"
LONGEST = 5000


def _mounted(name: str) -> Any:
    html, css, js = ((_ASSETS / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return component(f"tiller_{name}", html=html, css=css, js=js)


_scale, _words, _choice = _mounted("scale"), _mounted("words"), _mounted("choice")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Questions that are handed in together: a task's, or a page's under the id of its stop."""

    key: str
    attempt: int
    questions: tuple[Answer, ...]


def ask(who: Here, sheet: Sheet) -> None:
    """Draw the questions of a sheet, each with what the log has of it, and log what has changed since."""
    key, attempt = sheet.key, sheet.attempt
    drafts = drafts_in(who.records, key, attempt)
    for question in sheet.questions:
        kept = drafts.get(question.id)
        text, number = _given(who, question, kept)
        if (text, number) != ((kept.text, kept.number) if kept else ("", None)):
            changed = ResponseChanged(task=key, attempt=attempt, item=question.id, text=text, number=number)
            with suppress(LogUnavailable):  # it stands in the window until the next run of the page
                who.note(changed, key=f"draft/{uuid4()}")
        data: dict[str, Any] = {"label": question.label}
        if isinstance(question, Slider):
            data |= {"min": question.min, "max": question.max, "value": question.start if number is None else number}
            data |= {"low": question.low or str(question.min), "high": question.high or str(question.max)}
            data["words"] = words_for("scale")
            _scale(key=_name(who, question), data=data, on_value_change=lambda: None)
        elif isinstance(question, Choice):
            options = [{"id": one.id, "label": one.label} for one in question.options]
            data |= {"help": question.help or "", "options": options, "value": text, "name": _name(who, question)}
            _choice(key=_name(who, question), data=data, on_value_change=lambda: None)
        else:
            window = f"{who.session_id[:12]}-{_name(who, question)}"
            data |= {"help": question.help or "", "most": LONGEST, "value": text, "name": window}
            _words(key=_name(who, question), data=data, on_value_change=lambda: None)


def say_what_is_open() -> None:
    """Name the questions that were left open when the sheet was last handed in."""
    if missing := st.session_state.pop("missing", ()):
        st.warning(say("answer.open", questions=" ".join(missing)), icon=None)


def answers_given(who: Here, sheet: Sheet) -> tuple[list[ResponseSubmitted], list[str]]:
    """The answers of a sheet as events, and the labels of required questions that have none."""
    key, attempt = sheet.key, sheet.attempt
    found: list[ResponseSubmitted] = []
    missing: list[str] = []
    drafts = drafts_in(who.records, key, attempt)
    for question in sheet.questions:
        text, number = _given(who, question, drafts.get(question.id))
        if text.strip() or number is not None:
            words = text.strip()
            found.append(ResponseSubmitted(task=key, attempt=attempt, item=question.id, text=words, number=number))
        elif question.required:
            missing.append(question.label)
    return found, missing


def _given(who: Here, question: Answer, kept: ResponseChanged | None) -> tuple[str, float | None]:
    """What this window holds of one answer, or else what the log has kept of it: words or a number."""
    held = st.session_state.get(_name(who, question))
    held = (held or {}).get("value")
    if isinstance(question, Choice):
        chosen = held if isinstance(held, str) else kept.text if kept else ""
        return chosen if chosen in {option.id for option in question.options} else "", None
    if isinstance(question, FreeText):
        text = held if isinstance(held, str) else kept.text if kept else ""
        return text[:LONGEST], None
    number = float(held) if isinstance(held, int | float) else kept.number if kept else None
    return "", number if number is not None and question.min <= number <= question.max else None


def _name(who: Here, question: Answer) -> str:
    return f"answer-{who.place.at}-{question.id}"
