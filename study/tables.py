"""Results as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from rich.table import Table

from core.types import Component, Prediction


class Figure(Protocol):
    """A measured figure with its 95 % interval and the goal it is held against."""

    @property
    def name(self) -> str:
        """What was measured."""
        ...

    @property
    def value(self) -> float:
        """The measurement."""
        ...

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        ...

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        ...

    @property
    def goal(self) -> float:
        """What was asked for."""
        ...

    @property
    def met(self) -> bool:
        """Whether the value reaches the goal."""
        ...


def steering_table(before: Prediction, after: Prediction, ratio: float, idle: Sequence[int] = ()) -> Table:
    """Probabilities before and after, most probable before first; `idle` are components whose edit changed nothing."""
    unmoved = f"\nchanged nothing here: the edits of {', '.join(map(str, idle))}" if idle else ""
    table = _table(
        f"{before.top} -> {after.top}",
        ("class",),
        ("before", "after", "change"),
        f"edit size ||dx||/||x|| = {ratio:.3f}{unmoved}",
    )
    for place in before.ranked:
        was, now = before.probs[place], after.probs[place]
        table.add_row(before.labels[place], f"{was:.1%}", f"{now:.1%}", f"{now - was:+.1%}")
    return table


def attribution_table(result: Mapping[str, Any], cards: Mapping[int, Component]) -> Table:
    """The entries of one attribution in logits, components first; `result` is what --json prints."""
    title = (
        f"{result['target']} over {result['against']}: {result['margin']:+.3f} logits, block {result['sae']['block']}"
    )
    table = _table(title, ("entry", "name"), ("activation", "score"))
    for each in result["components"]:
        card = cards.get(each["index"])
        name = card.label if card else ""
        table.add_row(str(each["index"]), name, f"{each['activation']:.3f}", f"{each['score']:+.3f}")
    for entry in ("other", "bias", "error", "constant", "total", "completeness_gap"):
        table.add_row(entry.replace("_", " "), "", "", f"{result[entry]:+.3f}")
    return table


def figures_table(figures: Iterable[Figure]) -> Table:
    """The demo's figures with their intervals and goals."""
    title = "On freshly drawn pictures that training never saw, with 95 % intervals"
    table = _table(title, ("figure",), ("value", "low", "high", "goal", ""))
    for figure in figures:
        numbers = (f"{100 * number:.1f} %" for number in (figure.value, figure.low, figure.high, figure.goal))
        table.add_row(figure.name, *numbers, "[green]met[/green]" if figure.met else "[red]missed[/red]")
    return table


def _table(title: str, words: tuple[str, ...], numbers: tuple[str, ...], caption: str | None = None) -> Table:
    table = Table(title=title, caption=caption)
    for heading in words:
        table.add_column(heading)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table
