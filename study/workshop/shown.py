"""Numbers and names as a terminal shows them: one format for each kind, and nothing that a file name could break."""

from __future__ import annotations

import math

from rich.table import Table
from rich.text import Text

NONE = "–"


def share(value: float) -> str:
    """A share in per cent, with two digits that mean something."""
    if math.isnan(value):
        return NONE
    per_cent = 100 * value
    return f"{per_cent:.0f} %" if per_cent >= 9.95 or not per_cent else f"{per_cent:.2g} %"


def code(value: float) -> str:
    """A code, with three digits."""
    if math.isnan(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def score(value: float) -> str:
    """A cosine, or what is made of cosines."""
    return NONE if math.isnan(value) else f"{value:.3f}"


def size(value: float) -> str:
    """Bytes."""
    return f"{value / 1e6:,.1f} MB" if value < 1e9 else f"{value / 1e9:,.1f} GB"


def name(text: str) -> Text:
    """A name as it is, square brackets and all; what cannot be printed is written out."""
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Text("".join(one if one.isprintable() else repr(one)[1:-1] for one in plain))


def some(names: list[str], most: int) -> Text:
    """The first of many names, and how many more there are."""
    listed = Text(", ").join(map(name, names[:most]))
    return listed + Text(f" and {len(names) - most:,} more" if len(names) > most else "")


def sheet() -> Table:
    """Rows of what is said and what it is said of, as wide as there is room."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table
