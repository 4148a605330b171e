"""What an index was made from, and what is said of a search in it, for a terminal of any width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from core.types import EMBEDDING, many, place_of
from study.workshop import shown

BROKEN, CLASSES = 5, 12  # of the broken pictures and of the classes, how many are named
_TOKENS = {"all": "all tokens", "cls": "the class token", "patches": "patches"}


def heading_sheet(path: Path, said: Mapping[str, Any], summary: Mapping[str, Any], broken: Sequence[Any]) -> Table:
    """What an index says of its making, and what came of it.

    Args:
        summary: `core.index_summary.summary_of`.
        broken: `core.index_summary.broken_in`.
    """
    images, dictionary, settings, model = said["images"], said["dictionary"], said["settings"], said["model"]
    table = shown.sheet()
    table.add_row("index", Text.assemble(shown.name(str(path)), f", {shown.size(summary['bytes'])}"))
    called = f" ({model['pretrained']})" if model.get("pretrained") else ""
    table.add_row(
        "model",
        Text.assemble(shown.name(f"{model['name']}{called}"), f", weights of the digest {model['sha256'][:12]}"),
    )
    table.add_row(
        "dictionary",
        f"{many(dictionary['components'], 'component')} {_where(dictionary)}, of the digest "
        f"{dictionary['sha256'][:12]}",
    )
    table.add_row("images", f"{images['used']:,} read of {images['listed']:,}, {images['broken'] or 'none'} broken")
    for one in broken[:BROKEN]:
        table.add_row("", Text.assemble(shown.name(one["file"]), ": ", shown.name(one["why"])))
    if len(broken) > BROKEN:
        table.add_row("", f"and {len(broken) - BROKEN:,} more; `tiller index info FILE --json` names all")
    labels = said["labels"]
    table.add_row("classes", shown.some(list(labels), CLASSES) if labels else "none were given")
    fire, words = summary["components"], summary["words"]
    fires, does = "fires" if fire["fire"] == 1 else "fire", "does" if fire["never"] == 1 else "do"
    table.add_row("components", f"{fire['fire']:,} {fires}, {fire['never']:,} never {does}")
    table.add_row("names", f"{words['used']:,} of the vocabulary's {many(words['known'], 'word')}")
    ways = (("density", shown.share), ("p99", shown.code), ("clarity", shown.score), ("monosemanticity", shown.score))
    for name, way in ways:
        low, middle, high = summary["quantiles"][name].values()
        if not math.isnan(middle):
            table.add_row(name, f"{way(middle)} in the middle; {way(low)} to {way(high)} for 8 of 10 that fire")
    reference = said["reference"]
    table.add_row("reference", f"{many(reference['images'], 'image')} of {many(reference['tokens'], 'token')}")
    table.add_row("settings", ", ".join(f"{name} {value}" for name, value in settings.items()))
    return table


def _where(dictionary: Mapping[str, Any]) -> str:
    """The tokens that a dictionary reads, and where; the embedding is one token, whatever it is called."""
    where = place_of(dictionary["block"])
    if dictionary["block"] == EMBEDDING:
        return where
    return f"for {_TOKENS.get(dictionary['tokens'], dictionary['tokens'])} {where} (from 0)"


def text_note(text: str, *, known: bool) -> str:
    """Where a text's scores come from."""
    source = "a word of the index's vocabulary, whose vector it keeps" if known else "encoded by the index's model"
    return (
        "score: cosine of what a component's strongest images have in common with the text, less that with the empty "
        f"text. {text!r} is {source}."
    )


def move_note(origin: str, target: str, images: int) -> str:
    """Where a move's scores come from."""
    return (
        f"logits a unit: what one unit of code adds to the margin of {target} over {origin}, to first order, at the "
        f"mean activation of {many(images, 'reference image')}; times the component's p99 it is logits at p99."
    )


def nothing_found(fire: int, counts: Mapping[str, int]) -> str:
    """Why a search lists no component."""
    if not counts:
        return f"No component was found: {many(fire, 'component')} of this index {'fires' if fire == 1 else 'fire'}."
    each = ", ".join(f"{count:,} with --{name.replace('_', '-')}" for name, count in counts.items())
    all_of = ", none with all" if len(counts) > 1 else ""
    return f"No component is within the bounds: of {fire:,} that fire, {each}{all_of}. Loosen a bound."


def nothing_fits(fire: int, text: str | None, moved: tuple[str, str] | None) -> str:
    """Why a search lists no component though some are within the bounds."""
    what = f"adds to {moved[1]} over {moved[0]}" if moved else f"shows more of {text!r} than of no word at all"
    return f"Nothing fits: of {many(fire, 'component')} that fire, none within the bounds {what}."
