"""What bots write into the forms of a script: an answer to each question, and a mark for each item."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from random import Random

from core.types import TillerError
from study.events import Event
from study.instruments import instrument_in, recorded
from study.route import Stop
from study.script import Answer, Choice, FreeText, StudyScript
from study.task_events import ResponseSubmitted


def answers(
    questions: Iterable[Answer], rng: Random, *, key: str, attempt: int = 1, words: str = "an answer"
) -> list[ResponseSubmitted]:
    """An answer to each question of the task or page `key`; `words` go into those in one's own words."""
    given: list[ResponseSubmitted] = []
    for question in questions:
        made = partial(ResponseSubmitted, task=key, attempt=attempt, item=question.id)
        if isinstance(question, FreeText):
            given.append(made(text=f"Simulated: {words}."))
        elif isinstance(question, Choice):
            given.append(made(text=rng.choice(question.options).id))
        else:
            given.append(made(number=float(rng.randint(question.min, question.max))))
    return given


def questionnaire(stop: Stop, script: StudyScript, rng: Random, *, attempt: int) -> tuple[Event, ...]:
    """The rows of the questionnaire at `stop`, every item answered.

    Raises:
        TillerError: it cannot be had in this language.
    """
    use = stop.instrument
    if use is None:
        raise TillerError("The script names no questionnaire there.")
    pasted = script.texts[use.items] if use.items else None
    instrument = instrument_in(use.id, pasted, language=script.language, tool_name=use.tool_name)
    marks = {item.id: float(rng.choice(instrument.scale.places)) for item in instrument.items}
    return recorded(instrument, marks, task=stop.task, attempt=attempt)
