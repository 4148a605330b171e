"""What the file of an instrument may hold, in one language: its keys, their types, and what must hold between them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from study.instruments.instrument import Drawn, Missing
from study.instruments.scoring import SCORINGS

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ItemPart(_Part):
    """One row, where a text alone says too little."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")] | None = None
    text: Words | None = None
    heading: Words | None = None
    low: Words | None = None
    high: Words | None = None


class ScalePart(_Part):
    """What may be answered, and what the ends and the places between are called."""

    drawn: Drawn = "points"
    min: int
    max: int
    step: Annotated[int, Field(ge=1)] = 1
    anchors: dict[int, Words] = {}
    no_response: Words | None = None


class InstrumentFile(_Part):
    """One instrument; items are counted from 1 in `reversed` and in `subscales`."""

    id: Key | None = None
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")] = "1.0.0"
    languages: Annotated[tuple[str, ...], Field(strict=False)] = ()
    title: Words
    instruction: Words
    about: str = ""
    tool: Words | None = None
    items: Annotated[tuple[ItemPart | Words, ...], Field(strict=False)] = ()
    pasted: Annotated[int, Field(ge=1)] | None = None
    scale: ScalePart
    direction: str = ""
    reversed: Annotated[tuple[int, ...], Field(strict=False)] = ()
    subscales: dict[Key, Annotated[tuple[int, ...], Field(min_length=1, strict=False)]] = {}
    whole: bool = True
    missing: Missing = "refuse"
    scoring: str = "mean"
    licence: str = ""
    citation: str = ""
    wording: str = ""


def beyond_the_schema(file: InstrumentFile) -> list[str]:
    """What is wrong with a file whose keys and types are right, a line for each."""
    count, scale = file.pasted or len(file.items), file.scale
    mistakes: list[str] = []
    if bool(file.items) == bool(file.pasted):
        mistakes.append("items: there are none, or they are pasted as well; list at least one.")
    if not scale.min < scale.max or (scale.max - scale.min) % scale.step:
        mistakes.append(f"scale: from {scale.min} to {scale.max} in steps of {scale.step} reaches no end.")
    elif outside := [at for at in scale.anchors if at not in range(scale.min, scale.max + 1, scale.step)]:
        mistakes.append(f"scale.anchors: {outside[0]} is not on the scale.")
    named = {"reversed": file.reversed, **{f"subscales.{name}": part for name, part in file.subscales.items()}}
    for where, numbers in named.items():
        mistakes += [f"{where}: no item {one}; there are {count}." for one in numbers if not 1 <= one <= count]
        mistakes += [f"{where}: item {one} stands twice." for one in sorted(set(numbers)) if numbers.count(one) > 1]
    if not file.whole and not file.subscales:
        mistakes.append("whole: without it and without subscales there is nothing to score.")
    if file.scoring not in SCORINGS:
        mistakes.append(f"scoring: there is no {file.scoring!r}; there are {', '.join(SCORINGS)}.")
    for number, item in enumerate(file.items, start=1):
        whole = ItemPart(text=item) if isinstance(item, str) else item
        if scale.drawn == "terms" and not (whole.low and whole.high):
            mistakes.append(f"items.{number}: between terms needs `low` and `high`.")
        elif scale.drawn != "terms" and not whole.text:
            mistakes.append(f"items.{number}: no text.")
    ids = [item.id for item in file.items if isinstance(item, ItemPart) and item.id]
    return mistakes + [f"items: id {one} stands twice." for one in sorted(set(ids)) if ids.count(one) > 1]
