"""What participants answer to prompts, checked against the questions that were put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from study.acts import ActRefused, PromptAnswer, PromptDismiss, Reply
from study.bench import Bench
from study.events import Event
from study.prompt_events import PromptAnswered, PromptDismissed, PromptShown
from study.prompts import standing
from study.records import Record
from study.script import Answer, Choice, FreeText, Slider


def reply(act: PromptAnswer | PromptDismiss, bench: Bench, records: Sequence[Record]) -> tuple[Event, ...]:
    """One row for each question that was answered, or the prompt's dismissal; none if it is up no longer.

    Raises:
        ActRefused: an answer is missing or does not fit its question, or a blocking prompt is to be put away.
    """
    shown = standing(records)
    if shown is None or shown.event_id != act.shown or not isinstance(shown.event, PromptShown):
        return ()
    asked = shown.event
    about = asked.about()
    scripted = bench.prompts.get(asked.prompt)
    if isinstance(act, PromptDismiss):
        if scripted is not None and scripted.blocking:
            raise ActRefused("This question has to be answered before you go on; it cannot be put away.")
        return (PromptDismissed(**about),)
    questions = scripted.ask if scripted is not None else ()
    given = {one.item: one for one in act.answers}
    if set(given) - {question.id for question in questions}:
        raise ActRefused(f"An answer came to {min(given)!r}, which was not asked; nothing was kept of it.")
    rows = [row for question in questions if (row := _row(question, given, about)) is not None]
    return tuple(rows) or (PromptAnswered(**about),)


def _row(question: Answer, given: Mapping[str, Reply], about: dict[str, Any]) -> PromptAnswered | None:
    said = given.get(question.id)
    match question:
        case Slider():
            number = None if said is None else said.number
            if number is not None and not question.min <= number <= question.max:
                raise ActRefused(f"{question.label}: {number:g} lies outside {question.min} to {question.max}.")
            text = ""
        case FreeText() | Choice():
            number, text = None, "" if said is None else said.text.strip()
            if isinstance(question, Choice) and text and text not in {option.id for option in question.options}:
                raise ActRefused(f"{question.label}: {text!r} is none of its answers; choose one of them.")
    if number is None and not text:
        if question.required:
            raise ActRefused(f"Still open: {question.label}")
        return None
    return PromptAnswered(**about, item=question.id, text=text, number=number)
