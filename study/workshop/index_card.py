"""One component's card for a terminal of any width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from core.types import many
from study.workshop import shown

if TYPE_CHECKING:
    from core.component import Component

SIDE_BY_SIDE = 72  # columns from which neighbours and partners stand beside each other
IMAGES, OTHERS = 9, 3  # names told of the strongest images, and of those in the middle and below
_HIGH = 4  # rows of a histogram
_ENOUGH = 10  # codes of which quantiles say something
_BLOCKS = " ▁▂▃▄▅▆▇█"


def component_card(
    card: Component,
    *,
    images: Sequence[tuple[str, float]],
    quantiles: Mapping[str, float],
    named: Mapping[int, str],
    width: int,
    of_embeddings: bool = False,
) -> Group:
    """Name, strength, spread, relations and images of one component.

    Args:
        images: the strongest, with strengths.
        quantiles: of its codes, by share.
        named: what its neighbours and partners are called.
        width: of the terminal, in columns.
        of_embeddings: a picture's one token is its embedding.
    """
    one = "the embedding" if of_embeddings else "the class token"
    title = Text.assemble((f"component {card.index}", "bold"), "  ", shown.name(card.label).plain)
    facts = _facts(card, quantiles, of_embeddings=of_embeddings)
    parts: list[RenderableType] = [Rule(title, align="left", style="dim"), facts]
    if not card.density:
        return Group(*parts)
    for what, counts in zip((one, "patches"), _counts(card), strict=True):
        if any(counts):
            parts += [Text(), Text(f"{many(sum(counts), 'code')} above 0 at {what}", "dim"), histogram(counts, width)]
    both = bool(card.neighbours and card.partners) and width >= SIDE_BY_SIDE
    each = min((width - 4) // 2 if both else width, SIDE_BY_SIDE)
    there = [
        _related(title, measure, pairs, named, each)
        for title, measure, pairs in (
            ("nearest in dictionary", "cosine", card.neighbours),
            ("fire in the same images", "overlap", card.partners),
        )
        if pairs
    ]
    if both:
        beside = Table.grid(padding=(0, 4, 0, 0))
        beside.add_row(*there)
        there = [beside]
    for table in there:
        parts += [Text(), table]
    return Group(*parts, Text(), _images(card, images))


def histogram(counts: Sequence[int], width: int) -> Text:
    """Bars of the bins from the first to the last that holds anything, and the codes at which doublings begin."""
    filled = [place for place, count in enumerate(counts) if count]
    first, last = filled[0] // 2 * 2, filled[-1]
    bins = last - first + 1
    wide = max(1, min(3, (width - 8) // bins))
    if bins * wide > width:  # two bins to a bar, and no terminal is too narrow for 24
        counts = [sum(counts[place : place + 2]) for place in range(0, len(counts), 2)]
        first, last, step = first // 2, last // 2, 1
    else:
        step = 2
    tallest = max(counts[first : last + 1])
    rows: list[str] = []
    for row in range(_HIGH - 1, -1, -1):
        eighths = [
            min(8, max(count > 0 and row == 0, round(8 * (_HIGH * count / tallest - row))))
            for count in counts[first : last + 1]
        ]
        rows.append("".join(_BLOCKS[max(0, each)] * wide for each in eighths))
    axis = ""
    for place in range(first, last + 2, step):
        tick = f"{2.0 ** (place // step - 12):.3g}"
        at = (place - first) * wide
        if (not axis or at > len(axis)) and at + len(tick) <= width:
            axis = axis.ljust(at) + tick
    return Text("\n".join([*(row.rstrip() for row in rows), axis]), no_wrap=True, overflow="crop")


def _facts(card: Component, quantiles: Mapping[str, float], *, of_embeddings: bool) -> Table:
    table = shown.sheet()
    if not math.isnan(card.label_score):
        table.add_row("name", Text.assemble(shown.name(card.label), f" {shown.score(card.label_score)}"))
    if card.runner_ups:
        others = [Text.assemble(shown.name(word), f" {shown.score(value)}") for word, value in card.runner_ups]
        table.add_row("or else", Text(", ").join(others))
    tokens = [
        f"{shown.share(value)} of {what}"
        for what, value in (("class tokens", card.density_class), ("patches", card.density_patches))
        if not math.isnan(value) and not of_embeddings
    ]
    table.add_row("fires in", "; ".join([f"{shown.share(card.density)} of images", *tokens]))
    if not card.density:
        return table
    ends = f"p99 {shown.code(card.p99)}, greatest {shown.code(card.maximum)}"
    low, middle, high = map(shown.code, quantiles.values() if quantiles else [math.nan] * 3)
    spread = f"{middle} in the middle, {low} to {high} for 8 of 10; " if sum(map(sum, _counts(card))) >= _ENOUGH else ""
    table.add_row("codes", spread + ends)
    for what, value, means in (
        ("clarity", card.clarity, "mean cosine of two of its strongest images"),
        ("monosemanticity", card.monosemanticity, "the same over all images, by strength"),
    ):
        table.add_row(
            what, f"{shown.score(value)}, {means}" if not math.isnan(value) else "not known from so few images"
        )
    return table


def _counts(card: Component) -> list[tuple[int, ...]]:
    return [card.histogram_class, card.histogram_patches]


def _related(
    title: str, measure: str, pairs: Sequence[tuple[int, float]], named: Mapping[int, str], width: int
) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", width=width)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(measure, justify="right", no_wrap=True)
    for other, value in pairs:
        table.add_row(str(other), shown.name(named.get(other, "")), shown.score(value))
    return table


def _images(card: Component, images: Sequence[tuple[str, float]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("strength", justify="right", no_wrap=True)
    rest = f", {IMAGES} of {len(images)}" if len(images) > IMAGES else ""
    table.add_column(f"strongest images{rest}", overflow="fold")
    for file, strength in images[:IMAGES]:
        table.add_row(shown.code(strength), shown.name(file))
    for what, names in (("middle", card.exemplars_middle), ("low", card.exemplars_low)):
        if names:
            table.add_row(Text(what, "dim"), shown.some(list(names), OTHERS))
    return table
