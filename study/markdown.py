"""A study's findings as Markdown, for people to read beside the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.types import many

_MINUS = "\u2212"


def report_in_words(study: str, found: Mapping[str, Any]) -> str:
    """The findings of `study.findings` as one page of Markdown."""
    lines = [f"# {study}", "", who_took_part(found), ""]
    for finding in found["findings"]:
        lines += [f"## {finding['title']}", "", finding["counted"], "", *_table(finding["figures"]), ""]
    boot = found["bootstrap"]
    lines += [
        "Shares of participants have Wilson 95 % intervals; means and medians have percentile bootstrap 95 % intervals "
        f"over participants ({boot['replicates']:,} replicates, seed {boot['seed']}). An interval without width means "
        "that all participants had one value, not that the value is certain.",
    ]
    return "\n".join(lines) + "\n"


def who_took_part(found: Mapping[str, Any]) -> str:
    """How many came and how many of them count, in one or two sentences."""
    people, simulated = found["participants"], found["simulated"]
    verb = "counts" if people == 1 else "count"
    counted = f"{many(people, 'participant')} began a task and {verb} here, {found['completed']} to the end"
    if simulated:
        counted += f"; {'all' if simulated == people else simulated} of them are simulated"
    left = [
        f"{found[key]} {words}" for key, words in (("withdrawn", "withdrew"), ("erased", "were erased")) if found[key]
    ]
    gone = {key: found[key] for key in ("withdrawn", "rejected", "erased")}
    away = {**gone, "without a task": found["came"] - people - sum(gone.values())}
    left = ", ".join(f"{count} {why}" for why, count in away.items() if count)
    return f"{counted}." + (f" Of {many(found['came'], 'session')} these count nowhere: {left}." if left else "")


def said(figure: Mapping[str, Any]) -> str:
    """One figure in words: its value, its interval and what it is of, or why there is none."""
    value, unit = figure["value"], figure["unit"]
    if value is None:
        return f"N/A: {figure['reason']}"
    head = (
        f"{figure['hits']} of {figure['n']}, {number(value, unit)}"
        if figure["hits"] is not None
        else number(value, unit)
    )
    spread = "" if figure["low"] is None else f"{number(figure['low'], unit)} to {number(figure['high'], unit)}"
    many = "" if figure["hits"] is not None else f"n {figure['n']}"
    rest = "; ".join(filter(None, (spread or figure["reason"], many)))
    return f"{head} ({rest})"


def number(value: float, unit: str) -> str:
    """A value as people read it, in its unit."""
    match unit:
        case "share":
            return f"{100 * value:.0f} %"
        case "difference":
            return f"{'+' if value > 0 else _MINUS if value < 0 else ''}{abs(100 * value):.0f} points"
        case "seconds":
            return f"{int(value) // 60}:{int(value) % 60:02d}" if value >= 10 else f"{value:.2g} s"
        case "score":
            return f"{value:.3f}"
        case _:
            return f"{value:g}"


def _table(figures: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Figures of the whole study as rows; figures of tasks, phases or tenths as a grid of these by what was counted."""
    whole = [figure for figure in figures if not figure["where"]]
    if whole:
        yield "| | value, 95 % interval | of | times |" if _times(whole) else "| | value, 95 % interval | of |"
        yield "| --- | --- | --- | --- |" if _times(whole) else "| --- | --- | --- |"
    for figure in whole:
        times = f" {figure['total']} |" if _times(whole) else ""
        yield f"| {figure['name']} | {said(figure)} | {figure['of']} |{times}"
    placed = [figure for figure in figures if figure["where"]]
    if not placed:
        return
    names = list(dict.fromkeys(figure["name"] for figure in placed))
    cells = {(figure["where"], figure["name"]): said(figure) for figure in placed}
    if whole:
        yield ""
    yield f"| | {' | '.join(names)} |"
    yield f"| --- |{' --- |' * len(names)}"
    for where in dict.fromkeys(figure["where"] for figure in placed):
        yield f"| {where} | {' | '.join(cells.get((where, name), '') for name in names)} |"


def _times(figures: Iterable[Mapping[str, Any]]) -> bool:
    return any(figure["total"] is not None for figure in figures)
