"""Plots as inline SVG: one visual language for shares, spreads, slopes and courses; every participant is a mark.

A round mark is a participant, a square one is simulated; a hollow mark did not do what is counted. The bar behind is
the 95 % interval, the upright the value. Colours come from the style sheet, so that both themes are right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from math import ceil, cos, log10, sin

from pages.parts.plot_marks import (
    FIRST,
    LAST,
    Link,
    absent,
    axis,
    beside,
    crowd,
    interval,
    label,
    lines_of,
    mark,
    rule,
    svg,
    swarm,
    words,
)
from study.findings import Figure, Point
from study.markdown import number, said

_PANEL = 220  # the width of one of several small plots
_MOST_MARKS = 24  # participants who still are marks of their own
_CROWD = 132  # the width of those marks


def shares(figures: Sequence[Figure], link: Link) -> str:
    """One row a share: its participants in the same order in every row, the interval on a scale from 0 to 100 %."""
    if all(figure.value is None for figure in figures):
        return missing(figures)
    # marks of their own only where each participant has one: a figure over acts has many of one participant
    marked = all(figure.hits is not None or not figure.points for figure in figures)
    marked = marked and max(len(figure.points) for figure in figures) <= _MOST_MARKS
    left = FIRST + _CROWD if marked else FIRST
    step = 36 if any(len(lines_of(figure.name)) > 1 for figure in figures) else 28
    drawn, y = list[str](), step / 2
    for figure in figures:
        drawn.append(label(figure.name, y))
        if figure.value is None:
            drawn.append(absent(figure, y))
        else:
            drawn += [rule(left, LAST, y), interval(figure, y, lambda value: left + value * (LAST - left))]
            drawn += [beside(_share(figure), y), *(crowd(figure.points, y, link) if marked else ())]
        y += step
    y += 14 - step / 2
    return svg(y + 4, [*drawn, *axis([(left, "0"), ((left + LAST) / 2, "50"), (LAST, "100 %")], y)])


def missing(figures: Sequence[Figure]) -> str:
    """Why nothing can be drawn."""
    reasons = dict.fromkeys(said(figure.plain()) for figure in figures)
    return f'<p class="key">{escape("; ".join(reasons))}.</p>'


def strips(figures: Sequence[Figure], link: Link, *, names: Callable[[Figure], str], most: float | None = None) -> str:
    """One row a spread: each participant where they are, the interval of mean or median behind them."""
    if all(figure.value is None for figure in figures):
        return missing(figures)
    unit = figures[0].unit
    top = most or top_of([point.value for figure in figures for point in figure.points], unit)
    drawn, y = list[str](), 16.0

    def across(value: float) -> float:
        return FIRST + min(1.0, value / top) * (LAST - FIRST)

    for figure in figures:
        drawn.append(label(names(figure), y))
        if figure.value is None:
            drawn.append(absent(figure, y))
        else:
            drawn += [rule(FIRST, LAST, y), interval(figure, y, across), *swarm(figure.points, y, across, link)]
            drawn.append(beside(number(figure.value, unit), y))
        y += 36
    ticks = [(across(0), "0"), *((across(value), number(value, unit)) for value in (top / 2, top))]
    return svg(y + 2, [*drawn, *axis(ticks, y - 4)])


def slopes(first: Figure, last: Figure, link: Link) -> str:
    """Two uprights with a line for each participant between them, and the means with their intervals."""
    if first.value is None or last.value is None:
        return missing([first, last])
    top, bottom, x0, x1 = 26, 206, FIRST + 20, LAST - 10

    def up(value: float) -> float:
        return bottom - value * (bottom - top)

    drawn = [words(x, 12, name, "middle", "head") for x, name in ((x0, first.where), (x1, last.where))]
    drawn += [f'<path class="rule" d="M{x} {top}V{bottom}"/>' for x in (x0, x1)]
    drawn += [words(x0 - 26, up(value) + 4, f"{value:.0%}".replace("%", " %"), "end", "tick") for value in (0, 0.5, 1)]
    for one, two in zip(first.points, last.points, strict=True):
        drawn.append(f'<path class="thread" d="M{x0} {up(one.value):.1f}L{x1} {up(two.value):.1f}"/>')
        drawn += [mark(point, x, up(point.value), link) for point, x in ((one, x0), (two, x1))]
    for figure, x in ((first, x0 - 13), (last, x1 + 13)):
        if figure.low is not None and figure.high is not None:
            drawn.append(f'<path class="band" d="M{x} {up(figure.low):.1f}V{up(figure.high):.1f}"/>')
        drawn.append(f'<path class="value" d="M{x - 6} {up(figure.value or 0):.1f}h12"/>')
    means = [number(figure.value or 0, "share") for figure in (first, last)]
    drawn.append(words(x0 - 78, up(first.value) + 4, f"mean {means[0]}", "end", "said"))
    drawn.append(words(x1 + 25, up(last.value) + 4, means[1], "start", "said"))
    return svg(bottom + 12, drawn)


def courses(name: str, figures: Sequence[Figure], link: Link) -> str:
    """One kind of move through the ten tenths: the mean with its band, participants as faint marks."""
    if all(figure.value is None for figure in figures):
        return missing(figures)
    left, right, top, bottom = 34, 208, 26, 96
    step = (right - left) / (len(figures) - 1)

    def up(value: float) -> float:
        return bottom - value * (bottom - top)

    drawn = [words(0, 12, name, "start", "head")]
    drawn += [rule(left, right, up(value)) for value in (0, 0.5, 1)]
    drawn += [words(left - 6, up(value) + 4, text, "end", "tick") for value, text in ((0, "0"), (1, "100 %"))]
    place = [(left + at * step, figure) for at, figure in enumerate(figures) if figure.value is not None]
    bands = [(x, figure.low, figure.high) for x, figure in place if figure.low is not None and figure.high is not None]
    if bands:
        there = [f"{x:.1f} {up(high):.1f}" for x, _, high in bands]
        back = [f"{x:.1f} {up(low):.1f}" for x, low, _ in reversed(bands)]
        drawn.append(f'<path class="area" d="M{"L".join(there + back)}Z"/>')
    for x, figure in place:
        drawn += [mark(point, x, up(point.value), link, 1.9) for point in figure.points if point.value]
    line = "L".join(f"{x:.1f} {up(figure.value or 0):.1f}" for x, figure in place)
    drawn.append(f'<path class="line" d="M{line}"/>')
    drawn += [words(x, bottom + 14, text, "middle", "tick") for x, text in ((left, "1st"), (right, "10th tenth"))]
    return svg(bottom + 18, drawn, _PANEL)


def plane(
    title: str,
    fixed: Sequence[Point],
    broken: Sequence[Point],
    link: Link,
    *,
    goal: tuple[float, float],
    sham: float | None,
) -> str:
    """Held-out pictures: rightwards what a plan fixes of its own failures, upwards what it breaks of the others."""
    left, right, top, bottom = 34, 208, 26, 150
    most = max(2 * goal[1], top_of([point.value for point in broken], "share"))
    other = {(point.session, point.seq): point.value for point in broken}

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * (right - left), bottom - min(1.0, y / most) * (bottom - top)

    zone, edge = at(*goal)
    drawn = [words(0, 12, title, "start", "head")]
    drawn.append(
        f'<rect class="zone" x="{zone:.1f}" y="{edge:.1f}" width="{right - zone:.1f}" height="{bottom - edge:.1f}"/>'
    )
    drawn.append(f'<path class="rule" d="M{left} {top}V{bottom}H{right}"/>')
    if sham is not None:
        x, _ = at(sham, 0)
        drawn.append(f'<path class="sham" d="M{x:.1f} {bottom}v-7"/>')
    pairs = [(point, other[point.session, point.seq]) for point in fixed if (point.session, point.seq) in other]
    met: Counter[tuple[int, int]] = Counter()
    for point, y in pairs:
        across, up = at(point.value, y)
        turn = met[round(across), round(up)]
        met[round(across), round(up)] += 1
        # equal values lie in a close spiral, so that all can be counted and none seems to be another value
        away, angle = 2.6 * turn**0.5, 2.4 * turn
        drawn.append(mark(point, across + away * cos(angle), up + away * sin(angle), link, 3.0))
    drawn += [words(x, bottom + 14, text, "middle", "tick") for x, text in ((left, "0"), (right, "100 %"))]
    drawn.append(words((left + right) / 2, bottom + 14, "failures fixed \u2192", "middle", "tick"))
    drawn += [
        words(left - 6, y + 4, text, "end", "tick") for y, text in ((bottom, "0"), (top + 4, number(most, "share")))
    ]
    drawn.append(words(left + 6, top + 8, "\u2191 right ones broken", "start", "tick"))
    return svg(bottom + 18, drawn, _PANEL)


def top_of(values: Sequence[float], unit: str) -> float:
    """The end of an axis: a number that people say, at or above every value; in seconds a half or whole minute."""
    most = max(values, default=0.0)
    if most <= 0:
        return 1.0
    if unit == "seconds" and most > 10:
        step = 30 if most <= 150 else 60 if most <= 600 else 300
        return float(step * ceil(most / step))
    step = 10.0 ** ceil(log10(most) - 1)
    return next(step * times for times in (1, 2, 4, 6, 8, 10) if step * times >= most - 1e-9 * step)


def _share(figure: Figure) -> str:
    return f"{figure.hits} of {figure.n}" if figure.hits is not None else number(figure.value or 0.0, figure.unit)
