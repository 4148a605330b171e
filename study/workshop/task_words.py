"""What the commands of tasks tell a person: a word printed on a picture, and tasks found among pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from core.types import many
from study.trust import percent

Told = Mapping[str, Any]

_BROKEN = 5  # names of files that cannot be read


def print_in_words(result: Told, written: Path | None) -> Group:
    """What was printed where, and what the model said before, with the word and with the blank label."""
    names, claims = result["labels"], result["claims"]

    def said(which: str) -> str:
        told = result[which]
        shown = dict.fromkeys((told["label"], claims))  # once where the model says what is claimed
        chances = (f"{name} {percent(told['probabilities'][names.index(name)])}" for name in shown)
        return f"{', '.join(chances)}; margin of {claims} {told['margin']:+.2f} logits"

    where = f"{written}: " if written else "Nothing written: "
    fell = "the model falls for it" if result["falls"] else "the model does not fall for it"
    tried = many(result["tried"], "place")
    first = f"{where}{fell}; the label covers {percent(result['covers'])} of the picture, {tried} tried."
    lines = (("before", "before"), ("with the word", "after"), ("blank label", "sham"))
    return Group(Text(first), *(Text(f"  {what:<15}{said(which)}") for what, which in lines))


def report_in_words(report: Told, written: Path | None) -> Group:
    """What was asked, each task with its repair and damage, the controls, and what could not be read."""
    right = report["right"]
    lines: list[Text | Padding] = [
        Text(
            f"{many(report['pictures'], 'picture')}, {right['hits']:,} right ({percent(right['value'])}), "
            f"{report['near_misses']:,} of them by a small margin; {report['repaired']} of {report['tried']} tried can "
            "be repaired."
        )
    ]
    for number, one in enumerate(report["tasks"], 1):
        lines += [Text(f"{number}. {one['file']} shows {one['shows']}, taken for {one['rival']}"), _repair(one)]
    lines += [Text(f"{one['file']} shows {one['shows']}, and is right: a control") for one in report["controls"]]
    if report["broken_files"]:
        named = [one["file"] for one in report["broken_files"]]
        more = f" and {len(named) - _BROKEN} more" if len(named) > _BROKEN else ""
        lines.append(Text(f"Left out, for they cannot be read: {', '.join(named[:_BROKEN])}{more}."))
    if not report["tasks"]:
        lines.append(
            Text("No failing picture can be repaired with so few components; allow more, or give more pictures.")
        )
    if written is not None:
        lines.append(Text(f"Written: {written}, its pictures, and {written.with_suffix('.json').name}."))
    return Group(*lines)


def _repair(one: Told) -> Padding:
    chances, broken, fixed = one["probability"], one["broken_elsewhere"], one["fixed"]
    names = ", ".join(f"{each['index']} {each['name'] or ''}".strip() for each in one["components"])
    held = "no other fails like it"
    if fixed["trials"]:
        held = f"puts {fixed['hits']} of {many(fixed['trials'], 'like failure')} right"
    damage = "no right picture was left to count damage on"
    if broken["trials"]:
        span = f"95 % {100 * broken['low']:.1f} to {percent(broken['high'])}"
        damage = f"breaks {broken['hits']} of {broken['trials']} right ones ({percent(broken['value'])}, {span})"
    shows = f"{one['shows']} {percent(chances['before'])} to {percent(chances['after'])}"
    return Padding(Text(f"without {names}: {shows}; {held}; {damage}"), (0, 0, 0, 3))
