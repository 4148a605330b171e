"""The order of things: pages, and blocks of tasks under a condition, fixed, random or balanced."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Discriminator, Field, Tag

from study.script.answers import Answer
from study.script.part import Key, Part, Text, Tool, Words

Order = Literal["fixed", "random", "latin_square"]
Factor = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Condition(Part):
    """What a phase offers: a task has the tools that both it and its condition list."""

    tools: Annotated[tuple[Tool, ...], Field(min_length=1, strict=False)]


class Level(Part):
    """One arm: the styles of prompts that it leaves out."""

    drop: Annotated[tuple[Literal["neutral", "probing"], ...], Field(strict=False)] = ()


class Arm(Part):
    """A comparison between participants."""

    levels: Annotated[dict[Key, Level], Field(min_length=2)]


class Skip(Part):
    """Where to go on instead, if a rule holds once the page is left: `end`, or the id of a later stop."""

    if_: Text = Field(alias="if")
    to: Text
    as_: Literal["completed", "no_consent", "screened_out"] | None = Field(default=None, alias="as")


class Require(Part):
    """What has to have happened on a tutorial before it can be left."""

    events: Annotated[tuple[Text, ...], Field(min_length=1, strict=False)]


class Page(Part):
    """A page by itself."""

    page: Literal["welcome", "consent", "device_check", "mic_check", "tutorial", "text", "questions", "instruments"]
    id: Key | None = None
    title: Words | None = None
    text: Words | None = None  # Markdown, or the name of a .md file beside the script
    ask: Annotated[tuple[Answer, ...], Field(strict=False)] = ()  # for questions
    task: Key | None = None  # for a tutorial: the task it is practised on, which nobody meets elsewhere
    require: Require | None = None
    if_: Text | None = Field(default=None, alias="if")
    skip: Annotated[tuple[Skip, ...], Field(strict=False)] = ()


class Phase(Part):
    """Tasks under one condition: a task set, `rotated`, or tasks by name."""

    id: Key
    condition: Key | None = None
    first: Page | None = None
    tasks: Key  # a task set, or `rotated`: the one that falls into this phase


class Draw(Part):
    """How newcomers are spread: over which sessions, and which factors are balanced first."""

    balance_on: Literal["completed"] = "completed"
    priority: Annotated[tuple[Factor, ...], Field(strict=False)] = ()
    permute: bool = False  # whether the list of slots is permuted by the study's seed in blocks of four


class Phases(Part):
    """The phases, in an order of their own; `rotate` names the task sets that change places between them."""

    id: Key
    order: Order = "fixed"
    draw: Draw = Draw()
    rotate: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    blocks: Annotated[tuple[Phase, ...], Field(min_length=1, strict=False)]


def _which(block: object) -> str:
    held = cast("dict[str, object]", block if isinstance(block, dict) else vars(block))
    return "page" if "page" in held else "phases" if "blocks" in held else "phase"


Block = Annotated[
    Annotated[Page, Tag("page")] | Annotated[Phases, Tag("phases")] | Annotated[Phase, Tag("phase")],
    Discriminator(_which),
]


class Sequence(Part):
    """All that a participant meets, in order; the pages at top level stay where they stand."""

    blocks: Annotated[tuple[Block, ...], Field(min_length=1, strict=False)]


class Interruption(Part):
    """A page that comes after so many tasks of a set."""

    page: Literal["text"] = "text"
    id: Key
    text: Words
    after: Annotated[int, Field(ge=1)]


class TaskSet(Part):
    """Tasks that belong together; `sample` takes so many of them."""

    order: Order = "fixed"
    sample: Annotated[int, Field(ge=1)] | None = None
    tasks: Annotated[tuple[Key, ...], Field(min_length=1, strict=False)]
    interruptions: Annotated[tuple[Interruption, ...], Field(strict=False)] = ()


def phases_in(sequence: Sequence) -> tuple[tuple[Phases | None, tuple[Phase, ...]], ...]:
    """The phases in the order of the file, those that change places together with what holds them."""
    return tuple(
        (block, block.blocks) if isinstance(block, Phases) else (None, (block,))
        for block in sequence.blocks
        if not isinstance(block, Page)
    )


def pages_in(sequence: Sequence) -> tuple[Page, ...]:
    """All pages that it names, those before a phase included."""
    first = [phase.first for _, phases in phases_in(sequence) for phase in phases]
    return (*(block for block in sequence.blocks if isinstance(block, Page)), *(page for page in first if page))
