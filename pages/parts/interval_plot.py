"""Figures with intervals as a table whose lines share one axis; drawn in plain elements, in the page's colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from pages.parts.sheets import percent
from study.agreement import ONE_VALUE, Figure
from study.coder_agreement import Compared, Comparison


def figures_table(found: Comparison, colours: Mapping[str, str]) -> str:
    """Layers and their codes, one line each; codes that nobody has given are named beneath."""
    low = _low(found)
    given = [row for row in found.rows if row.prevalence]
    unused = [row.of for row in found.rows if row.code is not None and row.agreement.units and not row.prevalence]
    heads = (
        '<th>Layer or code</th><th class="number">Units</th><th class="number">Given to</th><th class="number">Observed'
        f'</th><th class="number">Kappa</th><th class="number">Alpha</th><th>{_axis(low)}</th>'
    )
    rows = "".join(_row(row, colours, low) for row in given)
    rest = f"<p class='faint'>Given by nobody: {escape(', '.join(unused))}.</p>" if unused else ""
    return (
        f'<div class="plot">{_key(given)}<table class="desk-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{rest}</div>"
    )


def why_no_intervals(found: Comparison) -> str | None:
    """Why none of the figures that are drawn has an interval; None where one has."""
    drawn = _figures([row for row in found.rows if row.prevalence])
    if any(_spread(one) for one in drawn):
        return None
    return next((one.why_no_interval for one in drawn), "no figure has a value")


def _key(rows: Sequence[Compared]) -> str:
    """What the marks mean, as far as there are any."""
    named = (
        ("kappa", "Cohen's kappa", [row.agreement.kappa for row in rows]),
        ("alpha", "Krippendorff's alpha", [row.agreement.alpha for row in rows]),
    )
    there = [(kind, name) for kind, name, figures in named if any(one.value is not None for one in figures)]
    spread = any(_spread(one) for one in _figures(rows))
    whisker = '<i class="whisker {0}"></i>' if spread else ""
    marks = " ".join(
        f'<span class="lane">{whisker.format(kind)}<i class="dot {kind}"></i></span> {name}' for kind, name in there
    )
    each = f", {'each ' if len(there) > 1 else ''}with its 95 % interval" if spread else ""
    return f'<p class="plot-key">{marks}{each}</p>' if there else ""


def _figures(rows: Sequence[Compared]) -> list[Figure]:
    every = [figure for row in rows for figure in (row.agreement.kappa, row.agreement.alpha)]
    return [figure for figure in every if figure.value is not None]


def _spread(figure: Figure) -> bool:
    return figure.low is not None and figure.high is not None


def _low(found: Comparison) -> float:
    """Where the axis begins: at 0, or at the tenth below the least that is drawn."""
    ends = [
        end
        for row in found.rows
        for figure in (row.agreement.kappa, row.agreement.alpha)
        for end in (figure.value, figure.low)
        if end is not None and row.prevalence
    ]
    return min(0.0, math.floor(min(ends, default=0.0) * 5) / 5)


def _x(value: float, low: float) -> str:
    return f"{100 * (value - low) / (1 - low):.2f}%"


def _ticks(low: float) -> list[float]:
    step = 0.2 if low > -0.4 else 0.5
    return [round(low + at * step, 1) for at in range(int((1 - low) / step + 1.001))]


def _axis(low: float) -> str:
    labels = "".join(f'<span style="left:{_x(tick, low)}">{_plain(tick)}</span>' for tick in _ticks(low))
    return f'<div class="lane axis">{labels}</div>'


def _plain(number: float) -> str:
    return f"{number:g}".replace("-", "−")


def _rounded(number: float) -> str:
    return f"{round(number, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0: nothing is minus nothing


def _row(row: Compared, colours: Mapping[str, str], low: float) -> str:
    one = row.agreement
    swatch = "" if row.code is None else f'<i style="background:{escape(colours.get(row.code, "#888"))}"></i>'
    name = f"<b>{escape(row.of)}</b>" if row.code is None else f"{swatch}{escape(row.of)}"
    share = "" if row.prevalence is None else escape(percent(row.prevalence))
    numbers = "".join(
        f'<td class="number"{_hint(figure)}>{_words(figure)}</td>' for figure in (one.observed, one.kappa, one.alpha)
    )
    kind = "layer" if row.code is None else "code"
    return (
        f'<tr class="{kind}"><td>{name}</td><td class="number">{one.units}</td><td class="number">{share}</td>{numbers}'
        f"<td>{_drawn(row, low)}</td></tr>"
    )


def _words(figure: Figure) -> str:
    if figure.value is None:
        return '<span class="faint">–</span>'
    value = _rounded(figure.value)
    if figure.low is None or figure.high is None:
        return value
    return f"{value}<small>{_rounded(figure.low)} to {_rounded(figure.high)}</small>"


def _hint(figure: Figure) -> str:
    why = figure.reason or figure.why_no_interval
    undefined = f"{figure.undefined} draws without a value" if figure.undefined else ""
    said = "; ".join(filter(None, (why, undefined)))
    return f' title="{escape(said)}"' if said else ""


def _drawn(row: Compared, low: float) -> str:
    kappa, alpha = row.agreement.kappa, row.agreement.alpha
    if kappa.value is None and alpha.value is None:
        reason = "one value alone was given: undefined" if alpha.reason == ONE_VALUE else alpha.reason
        return f'<span class="faint">{escape(reason)}</span>'
    grid = "".join(
        f'<i class="{"zero" if tick == 0 else "grid"}" style="left:{_x(tick, low)}"></i>' for tick in _ticks(low)
    )
    marks = _interval(kappa, low, "kappa") + _interval(alpha, low, "alpha")
    said = " and ".join(
        f"{name} {figure.value:.2f}"
        for name, figure in (("kappa", kappa), ("alpha", alpha))
        if figure.value is not None
    )
    return f'<div class="lane" role="img" aria-label="{escape(row.of)}: {said}">{grid}{marks}</div>'


def _interval(figure: Figure, low: float, kind: str) -> str:
    if figure.value is None:
        return ""
    line = ""
    if figure.low is not None and figure.high is not None:
        width = 100 * (figure.high - figure.low) / (1 - low)
        line = f'<i class="whisker {kind}" style="left:{_x(figure.low, low)};width:{width:.2f}%"></i>'
    return f'{line}<i class="dot {kind}" style="left:{_x(figure.value, low)}"></i>'
