"""Tables of `tiller index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

if TYPE_CHECKING:
    from core.search import Match


def heading_table(path: Path, said: Mapping[str, Any]) -> Table:
    """What an index says of its making."""
    images, dictionary, settings = said["images"], said["dictionary"], said["settings"]
    return pairs_table(
        str(path),
        {
            "model": f"{said['model']['name']} {said['model']['sha256'][:12]}",
            "dictionary": f"{dictionary['components']:,} components, block {dictionary['block']}, "
            f"tokens {dictionary['tokens']}, {dictionary['sha256'][:12]}",
            "images": f"{images['used']:,} read of {images['listed']:,}, {images['broken']:,} broken",
            "classes": f"{len(said['labels']):,}",
            "reference": f"{said['reference']['images']:,} images of {said['reference']['tokens']} tokens",
            "settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
        },
    )


def pairs_table(title: str, rows: Mapping[str, object]) -> Table:
    """Names and values."""
    table = Table(title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), f"{value:.6g}" if isinstance(value, float) else str(value))
    return table


def matches_table(matches: Sequence[Match], *, moved: bool) -> Table:
    """Components found by a text, or by what they would move."""
    score = ("a unit, logits", "a p99, logits") if moved else ("score",)
    table = Table(
        "component", "name", *score, "density", "clarity", Column("monosemanticity", overflow="fold"), "at class token"
    )
    for one in matches:
        scores = (f"{one.score:+.4f}", f"{one.per_p99:+.3f}") if moved else (f"{one.score:+.4f}",)
        rest = (f"{one.density:.2%}", f"{one.clarity:.3f}", f"{one.monosemanticity:.3f}", f"{one.class_share:.0%}")
        table.add_row(str(one.component), one.label, *scores, *rest)
    return table
