"""A study's findings as Markdown, for people to read beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def report_in_words(study: str, found: Mapping[str, Any]) -> str:
    """The findings of `study.report` as one page of Markdown."""
    lines = [
        f"# {study}",
        "",
        f"{found['participants']} participants, {found['completed']} of them to the end. Strategies by "
        f"{found['rules']}; shares with Wilson 95 % intervals. Only attempts that were handed in count in the tasks.",
        "",
        "## Dominant strategy",
        "",
        "| most of a participant's settings | participants |",
        "| --- | --- |",
        *(f"| {name} | {_share(rate)} |" for name, rate in found["dominant"].items()),
        "",
        "## What was tried",
        "",
        "| strategy code | times | participants who did |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {one['times']} | {_share(one['participants'])} |"
            for name, one in found["strategies"].items()
            if one["times"]
        ),
    ]
    lines += _expectations(found["expectations"])
    for title, first, key in (("Tasks", "task", "tasks"), ("In the order they were met", "order", "by_order")):
        lines += [
            "",
            f"## {title}",
            "",
            f"| {first} | attempts | right at the end | ever right | steps to right | time | looked | steered |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(
                f"| {name} | {one['attempts']} | {_share(one['repaired'])} | {_share(one['ever_repaired'])} "
                f"| {_number(one['median_steps_to_repair'])} | {_time(one['median_seconds'])} "
                f"| {one['inspections']} | {one['interventions']} |"
                for name, one in found[key].items()
            ),
        ]
    lines += [
        "",
        "Steps and time are medians, pauses aside; steps count from the first setting to the first right answer.",
    ]
    guessed = sum(one["seconds_by_wall_clock"] for one in found["tasks"].values())
    if guessed:
        lines.append(f"{guessed} of the times span a restart of the server's machine and are by its wall clock.")
    return "\n".join(lines) + "\n"


def _expectations(found: Mapping[str, Any]) -> list[str]:
    """Predicted against observed effect; nothing where nobody was asked."""
    if not any(found[which]["of"] for which in ("direction_right", "top1_right")):
        return []
    brier = "\u2013" if found["mean_brier"] is None else f"{found['mean_brier']:.3f}"
    return [
        "",
        "## Predicted against observed effect",
        "",
        "| right direction | right class | mean Brier score (0 is best) |",
        "| --- | --- | --- |",
        f"| {_share(found['direction_right'])} | {_share(found['top1_right'])} | {brier} |",
    ]


def _share(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "\u2013"
    return f"{rate['hits']} of {rate['of']} ({rate['value']:.0%}; {rate['low']:.0%} to {rate['high']:.0%})"


def _number(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:g}"


def _time(seconds: float | None) -> str:
    return "\u2013" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
