"""The findings as cards: a plot, the sentence of what was counted, and the same figures in numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from streamlit.components.v2 import component

from pages.parts.plot_marks import Link
from pages.parts.plots import courses, missing, plane, shares, slopes, strips, top_of
from pages.parts.rig import Rig
from pages.parts.staff import Insider, rooms_of
from study.findings import Figure, Finding, Findings, Portrait, portrait_in
from study.findings.repair import GENERALISED, HARMLESS
from study.findings.strategies import DIRECTIONS
from study.markdown import said
from study.roster import roster

_ASSETS = Path(__file__).parent / "assets"
# Streamlit takes SVG out of plain HTML, so the sheet is an element of our own.
_mount = component(
    "tiller_findings",
    html='<div class="findings"></div>',
    css=(_ASSETS / "findings.css").read_text(encoding="utf-8"),
    js=(_ASSETS / "findings.js").read_text(encoding="utf-8"),
)


def gathered(here: Rig, study: str, *, without: Sequence[str]) -> list[Portrait | None]:
    """The portraits of a study's sessions; a session is read again only when it has more rows, or was erased."""
    found: list[Portrait | None] = []
    for entry in roster(here.log, study):
        if entry.mode not in without:
            key = entry.session, entry.rows, entry.erased
            found.append(here.portraits.recall(key, lambda entry=entry: portrait_in(here.log, entry.session)))
    return found


def replay_of(insider: Insider) -> Link:
    """The way from a participant's mark to that row of their session, where this role has the replay."""
    there = any(room.address == "replay" for room in rooms_of(insider.staff))
    return lambda point: f"./replay?{urlencode({'session': point.session, 'seq': point.seq})}" if there else None


def key_to(found: Findings) -> str:
    """What the marks of every plot mean, in words."""
    squares = ", a square one is simulated" if found.simulated else ""
    return (
        f"A mark is a participant (hollow: did not){squares}, and leads to their replay; the upright is the value, the "
        "bar its 95 % interval."
    )


def draw(found: Findings, link: Link, *, key: str = "findings") -> None:
    """Put all findings up as one sheet; a second one in the same run needs a `key` of its own."""
    _mount(key=key, data={"sheet": cards(found, link)})


def cards(found: Findings, link: Link) -> str:
    """All findings as HTML."""
    return "".join(_card(one, link) for one in found.all)


def _card(finding: Finding, link: Link) -> str:
    named = [(" \u00b7 ".join(filter(None, (one.where, one.name))), said(one.plain())) for one in finding.figures]
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(words)}</td></tr>" for name, words in named)
    return (
        f'<section data-finding="{finding.key}"><h2>{escape(finding.title)}</h2><div class="sides">'
        f'<div class="drawn">{_DRAWN[finding.key](finding, link)}</div>'
        f'<div class="told"><p>{escape(finding.counted).replace("`", "")}</p>'
        f"<details><summary>In numbers</summary><table>{rows}</table></details></div></div></section>"
    )


def _panels(drawn: Sequence[str]) -> str:
    """Small plots side by side, in rows of equal length where their number allows it."""
    across = len(drawn) if len(drawn) < 4 else 2 if len(drawn) == 4 else 3
    return f'<div class="panels" style="--across:{max(2, across)}">{"".join(drawn)}</div>'


def _dominant(finding: Finding, link: Link) -> str:
    *rates, spread = finding.figures
    shown = [one for one in rates if one.hits or one.name in DIRECTIONS]
    return shares(shown, link) + strips([spread], link, names=_name, most=1.0)


def _shift(finding: Finding, link: Link) -> str:
    first, last = (one for one in finding.figures if one.where)
    return slopes(first, last, link) + shares([finding.at("shifted")], link)


def _trust(finding: Finding, link: Link) -> str:
    return shares(finding.figures, link)


def _repair(finding: Finding, link: Link) -> str:
    steps = [one for one in finding.figures if one.unit == "steps"]
    ends = [one for one in finding.figures if one.name in ("every task repaired", "right at the end")]
    named = [replace(one, name=f"{one.where}: {one.name}" if one.where else one.name) for one in ends]
    drawn = shares(named, link)
    return drawn + (_under("Settings to the first right answer") + strips(steps, link, names=_where) if steps else "")


def _held_out(finding: Finding, link: Link) -> str:
    tasks = list(dict.fromkeys(one.where for one in finding.figures))
    measured = [task for task in tasks if finding.at("its own failures fixed", task).value is not None]
    if not measured and all(one.value is None for one in finding.figures):
        return missing(finding.figures) if finding.figures else '<p class="key">N/A: nobody handed a task in.</p>'
    panels = [
        plane(
            task,
            finding.at("its own failures fixed", task).points,
            finding.at("right pictures broken", task).points,
            link,
            goal=(GENERALISED, HARMLESS),
            sham=finding.at("fixed by a sham", task).value,
        )
        for task in measured
    ]
    rates = [one for one in finding.figures if one.name in ("generalised", "broke others")]
    named = [replace(one, name=f"{one.where}: {one.name}") for one in rates]
    note = "The tinted corner is general and harmless; the short upright on the axis is what a sham fixes."
    return f'{_panels(panels)}<p class="key">{note}</p>' + shares(named, link)


def _expected(finding: Finding, link: Link) -> str:
    rates = [one for one in finding.figures if one.unit == "share"]
    scores = [one for one in finding.figures if one.unit == "score" and one.value is not None]
    return shares(rates, link) + (strips(scores, link, names=_name, most=1.0) if scores else "")


def _tried(finding: Finding, link: Link) -> str:
    done = sorted((one for one in finding.figures if one.hits), key=lambda one: -(one.hits or 0))
    never = [one.name for one in finding.figures if not one.hits]
    return shares(done or finding.figures[:1], link) + (
        f'<p class="key">Nobody did: {escape(", ".join(never))}.</p>' if never and done else ""
    )


def _course(finding: Finding, link: Link) -> str:
    names = list(dict.fromkeys(one.name for one in finding.figures))
    drawn = [courses(name, [one for one in finding.figures if one.name == name], link) for name in names]
    note = '<p class="key">Marks at 0 % are left out.</p>'
    return f"{_panels(drawn)}{note}" if names else '<p class="key">N/A: nobody made a move.</p>'


def _time(finding: Finding, link: Link) -> str:
    tasks = list(dict.fromkeys(one.where for one in finding.figures if one.name != "in all"))
    most = top_of([point.value for one in finding.figures for point in one.points], "seconds")
    drawn = ""
    for task in tasks:
        rows = [one for one in finding.figures if one.where == task]
        drawn += _under(task) + strips(rows, link, names=_name, most=most)
    return drawn or '<p class="key">N/A: nobody handed a task in.</p>'


def _name(figure: Figure) -> str:
    return figure.name


def _where(figure: Figure) -> str:
    return figure.where


def _under(text: str) -> str:
    return f"<h3>{escape(text)}</h3>"


_DRAWN: dict[str, Callable[[Finding, Link], str]] = {
    "dominant": _dominant,
    "shift": _shift,
    "trust": _trust,
    "repair": _repair,
    "held_out": _held_out,
    "expected": _expected,
    "tried": _tried,
    "course": _course,
    "time": _time,
}
