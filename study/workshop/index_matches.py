"""The components that a search has found, in a table as wide as there is room: names are cut, numbers never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from study.workshop import shown

if TYPE_CHECKING:
    from core.search import Match

_GAP = 2  # columns between two columns
_NAME, _IMAGE = 8, 15  # columns that a name and a picture's file take at least


@dataclass(frozen=True, slots=True)
class _Column:
    head: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        """With the gap, of its widest line, the head's lines too."""
        return _GAP + max(map(cell_len, (*self.head.split("\n"), *self.cells)), default=0)


def matches_table(matches: Sequence[Match], *, moved: tuple[str, str] | None, note: str, width: int | None) -> Group:
    """Components found by a text, or by what they would move.

    Args:
        moved: the two classes, where they were asked for.
        note: where the scores come from.
        width: of the terminal, in columns: as many figures are shown as fit, the foremost first, and names are cut to
            what is left. None where everything is to be whole.
    """
    component = _Column("component", tuple(str(one.component) for one in matches))
    foremost, *others = _figures(matches, moved)
    names, images = (
        tuple(shown.name(text) for text in texts)
        for texts in ([one.label for one in matches], [one.image for one in matches])
    )
    wide, far = (max((each.cell_len for each in column), default=0) for column in (names, images))
    wide, far = max(wide, len("name")), max(far, _IMAGE)
    left = None if width is None else width - component.width - foremost.width - _GAP
    figures, pictured = [foremost], True
    if left is not None:
        for one in others:
            if one.width + _NAME > left:
                pictured = False
                break
            figures.append(one)
            left -= one.width
        pictured = pictured and left >= _NAME + _IMAGE + _GAP
        wide, far = _shared(wide, far, left - _GAP) if pictured else (min(wide, max(_NAME, left)), 0)
    else:
        figures += others
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim")
    table.add_column(component.head, justify="right", no_wrap=True)
    table.add_column("name", no_wrap=True, overflow="ellipsis", width=wide)
    for one in figures:
        table.add_column(one.head, justify="right", no_wrap=True)
    if pictured:
        table.add_column("strongest image", no_wrap=True, overflow="ellipsis", width=far)
    for row, (name, image) in enumerate(zip(names, images, strict=True)):
        cells = [one.cells[row] for one in figures]
        table.add_row(component.cells[row], name, *cells, *([image] if pictured else []))
    return Group(table, Text(), Text(note, "dim"))


def _figures(matches: Sequence[Match], moved: tuple[str, str] | None) -> list[_Column]:
    """The columns of numbers, the foremost first."""
    if moved is None:
        scores = [
            ("score", [f"{one.score:+.3f}" for one in matches]),
            ("cosine", [shown.score(one.cosine) for one in matches]),
        ]
    else:
        scores = [
            ("logits\nat p99", [f"{one.per_p99:+.3f}" for one in matches]),
            ("logits\na unit", [f"{one.score:+.4f}" for one in matches]),
            ("p99", [shown.code(one.p99) for one in matches]),
        ]
    found = [
        *scores,
        ("fires in", [shown.share(one.density) for one in matches]),
        ("clarity", [shown.score(one.clarity) for one in matches]),
        ("mono-\nsemanticity", [shown.score(one.monosemanticity) for one in matches]),
    ]
    if any(0 < one.class_share < 1 for one in matches):
        found.append(("at class\ntoken", [shown.share(one.class_share) for one in matches]))
    return [_Column(head, tuple(cells)) for head, cells in found]


def _shared(one: int, two: int, room: int) -> tuple[int, int]:
    """What two columns of names get of the room: both whole where they fit, else the longer one is cut first."""
    if one + two <= room:
        return one, two
    half = max(_NAME, min(room // 2, room - _IMAGE))
    if one <= half:
        return one, room - one
    return (room - two, two) if two <= room - half else (half, room - half)
