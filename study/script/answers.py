"""The questions of a task, a prompt or a page: in one's own words, on a scale, or from a list."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.script.part import Key, Part, Words


class FreeText(Part):
    """An answer in the participant's own words."""

    id: Key
    type: Literal["free_text"]
    label: Words
    help: Words | None = None
    required: bool = True


class Slider(Part):
    """An answer on a scale; `start: null` shows no mark until the participant sets one."""

    id: Key
    type: Literal["slider"]
    label: Words
    min: int
    max: int
    low: Words | None = None
    high: Words | None = None
    start: int | None = None
    required: bool = True


class Option(Part):
    """One answer to choose: `id` is what the log keeps, in every language the same."""

    id: Key
    label: Words


class Choice(Part):
    """One answer of a list; `accept` names those that are right, which no participant sees."""

    id: Key
    type: Literal["choice"]
    label: Words
    help: Words | None = None
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=20, strict=False)]
    accept: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    required: bool = True


Answer = Annotated[FreeText | Slider | Choice, Field(discriminator="type")]
Answers = Annotated[tuple[Answer, ...], Field(min_length=1, strict=False)]
