"""Plots as inline SVG: one visual language for shares, spreads, slopes and courses; every participant is a mark.

A round mark is a participant, a square one is simulated; a hollow mark did not do what is counted. The bar behind is
the 95 % interval, the upright the value. Colours come from the style sheet, so that both themes are right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import ceil, cos, log10, sin

from study.findings import Figure, Point
from study.markdown import number, said

WIDTH = 640
FIRST, LAST = 200, 552  # the plot between the labels and the numbers
_WRAP = 25  # letters of a label on one line
_PANEL = 220  # the width of one of several small plots
_MOST_MARKS = 24  # participants who still are marks of their own
_CROWD = 132  # the width of those marks

Link = Callable[[Point], str | None]


def shares(figures: Sequence[Figure], link: Link) -> str:
    """One row a share: its participants in the same order in every row, the interval on a scale from 0 to 100 %."""
    if all(figure.value is None for figure in figures):
        return missing(figures)
    # marks of their own only where each participant has one: a figure over acts has many of one participant
    marked = all(figure.hits is not None or not figure.points for figure in figures)
    marked = marked and max(len(figure.points) for figure in figures) <= _MOST_MARKS
    left = FIRST + _CROWD if marked else FIRST
    step = 36 if any(len(_lines(figure.name, _WRAP)) > 1 for figure in figures) else 28
    drawn, y = list[str](), step / 2
    for figure in figures:
        drawn.append(_label(figure.name, y))
        if figure.value is None:
            drawn.append(_absent(figure, y))
        else:
            drawn += [_rule(left, LAST, y), _interval(figure, y, lambda value: left + value * (LAST - left))]
            drawn += [_said(_share(figure), y), *(_crowd(figure.points, y, link) if marked else ())]
        y += step
    y += 14 - step / 2
    return _svg(y + 4, [*drawn, *_axis([(left, "0"), ((left + LAST) / 2, "50"), (LAST, "100 %")], y)])


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
        drawn.append(_label(names(figure), y))
        if figure.value is None:
            drawn.append(_absent(figure, y))
        else:
            drawn += [_rule(FIRST, LAST, y), _interval(figure, y, across), *_swarm(figure.points, y, across, link)]
            drawn.append(_said(number(figure.value, unit), y))
        y += 36
    ticks = [(across(0), "0"), *((across(value), number(value, unit)) for value in (top / 2, top))]
    return _svg(y + 2, [*drawn, *_axis(ticks, y - 4)])


def slopes(first: Figure, last: Figure, link: Link) -> str:
    """Two uprights with a line for each participant between them, and the means with their intervals."""
    if first.value is None or last.value is None:
        return missing([first, last])
    top, bottom, x0, x1 = 26, 206, FIRST + 20, LAST - 10

    def up(value: float) -> float:
        return bottom - value * (bottom - top)

    drawn = [_text(x, 12, name, "middle", "head") for x, name in ((x0, first.where), (x1, last.where))]
    drawn += [f'<path class="rule" d="M{x} {top}V{bottom}"/>' for x in (x0, x1)]
    drawn += [_text(x0 - 26, up(value) + 4, f"{value:.0%}".replace("%", " %"), "end", "tick") for value in (0, 0.5, 1)]
    for one, two in zip(first.points, last.points, strict=True):
        drawn.append(f'<path class="thread" d="M{x0} {up(one.value):.1f}L{x1} {up(two.value):.1f}"/>')
        drawn += [_mark(point, x, up(point.value), link) for point, x in ((one, x0), (two, x1))]
    for figure, x in ((first, x0 - 13), (last, x1 + 13)):
        if figure.low is not None and figure.high is not None:
            drawn.append(f'<path class="band" d="M{x} {up(figure.low):.1f}V{up(figure.high):.1f}"/>')
        drawn.append(f'<path class="value" d="M{x - 6} {up(figure.value or 0):.1f}h12"/>')
    means = [number(figure.value or 0, "share") for figure in (first, last)]
    drawn.append(_text(x0 - 78, up(first.value) + 4, f"mean {means[0]}", "end", "said"))
    drawn.append(_text(x1 + 25, up(last.value) + 4, means[1], "start", "said"))
    return _svg(bottom + 12, drawn)


def courses(name: str, figures: Sequence[Figure], link: Link) -> str:
    """One kind of move through the ten tenths: the mean with its band, participants as faint marks."""
    if all(figure.value is None for figure in figures):
        return missing(figures)
    left, right, top, bottom = 34, 208, 26, 96
    step = (right - left) / (len(figures) - 1)

    def up(value: float) -> float:
        return bottom - value * (bottom - top)

    drawn = [_text(0, 12, name, "start", "head")]
    drawn += [_rule(left, right, up(value)) for value in (0, 0.5, 1)]
    drawn += [_text(left - 6, up(value) + 4, text, "end", "tick") for value, text in ((0, "0"), (1, "100 %"))]
    place = [(left + at * step, figure) for at, figure in enumerate(figures) if figure.value is not None]
    bands = [(x, figure.low, figure.high) for x, figure in place if figure.low is not None and figure.high is not None]
    if bands:
        there = [f"{x:.1f} {up(high):.1f}" for x, _, high in bands]
        back = [f"{x:.1f} {up(low):.1f}" for x, low, _ in reversed(bands)]
        drawn.append(f'<path class="area" d="M{"L".join(there + back)}Z"/>')
    for x, figure in place:
        drawn += [_mark(point, x, up(point.value), link, 1.9) for point in figure.points if point.value]
    line = "L".join(f"{x:.1f} {up(figure.value or 0):.1f}" for x, figure in place)
    drawn.append(f'<path class="line" d="M{line}"/>')
    drawn += [_text(x, bottom + 14, text, "middle", "tick") for x, text in ((left, "1st"), (right, "10th tenth"))]
    return _svg(bottom + 18, drawn, _PANEL)


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
    drawn = [_text(0, 12, title, "start", "head")]
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
        drawn.append(_mark(point, across + away * cos(angle), up + away * sin(angle), link, 3.0))
    drawn += [_text(x, bottom + 14, text, "middle", "tick") for x, text in ((left, "0"), (right, "100 %"))]
    drawn.append(_text((left + right) / 2, bottom + 14, "failures fixed \u2192", "middle", "tick"))
    drawn += [
        _text(left - 6, y + 4, text, "end", "tick") for y, text in ((bottom, "0"), (top + 4, number(most, "share")))
    ]
    drawn.append(_text(left + 6, top + 8, "\u2191 right ones broken", "start", "tick"))
    return _svg(bottom + 18, drawn, _PANEL)


def _crowd(points: Iterable[Point], y: float, link: Link) -> Iterable[str]:
    every = list(points)
    rows = 1 if len(every) <= 10 else 2
    each = -(-len(every) // rows)
    for place, point in enumerate(every):
        x, lift = FIRST + 4 + 12 * (place % each), 0 if rows == 1 else 9 * (place // each) - 4.5
        yield _mark(point, x, y + lift, link, 3.6, did=bool(point.value))


def _swarm(points: Iterable[Point], y: float, across: Callable[[float], float], link: Link) -> Iterable[str]:
    """Marks on a line; those that would lie on one another are set above and below it by turns, within the row."""
    every = sorted(points, key=lambda point: point.value)
    alike = Counter(round(across(point.value) / 6) for point in every)
    met: Counter[int] = Counter()
    for point in every:
        x = across(point.value)
        place = round(x / 6)
        step, turn = min(5.2, 26 / alike[place]), met[place]
        met[place] += 1
        yield _mark(point, x, y + step * ((turn + 1) // 2) * (1 if turn % 2 else -1), link, 3.2)


def _mark(point: Point, x: float, y: float, link: Link, radius: float = 3.4, *, did: bool = True) -> str:
    kind = "did" if did else "not"
    told = escape(f"{point.participant}{' (simulated)' if point.simulated else ''}")
    if point.simulated:
        side = 1.8 * radius
        shape = f'rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"'
    else:
        shape = f'circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"'
    drawn = f'<{shape} class="mark {kind}"><title>{told}</title></{shape.split()[0]}>'
    address = link(point)
    return drawn if address is None else f'<a href="{escape(address)}" aria-label="Replay of {told}">{drawn}</a>'


def _interval(figure: Figure, y: float, across: Callable[[float], float]) -> str:
    value = across(figure.value or 0.0)
    band = ""
    if figure.low is not None and figure.high is not None:
        band = f'<path class="band" d="M{across(figure.low):.1f} {y}H{across(figure.high):.1f}"/>'
    return f'{band}<path class="value" d="M{value:.1f} {y - 8}v16"/>'


def _share(figure: Figure) -> str:
    return f"{figure.hits} of {figure.n}" if figure.hits is not None else number(figure.value or 0.0, figure.unit)


def _said(text: str, y: float) -> str:
    return _text(LAST + 12, y + 4, text, "start", "said")


def _absent(figure: Figure, y: float) -> str:
    lines = _lines(said(figure.plain()), 46)[:2]
    return "".join(
        _text(FIRST, y + 4 + 14 * at - 7 * (len(lines) - 1), line, "start", "none") for at, line in enumerate(lines)
    )


def _label(text: str, y: float) -> str:
    lines = _lines(text, _WRAP)
    lift = 7.5 * (len(lines) - 1)
    return "".join(_text(0, y + 4 - lift + 15 * at, line, "start", "label") for at, line in enumerate(lines))


def _lines(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _axis(ticks: Iterable[tuple[float, str]], y: float) -> list[str]:
    return [_text(x, y + 2, text, "middle", "tick") for x, text in ticks]


def _rule(left: float, right: float, y: float) -> str:
    return f'<path class="rule" d="M{left} {y:.1f}H{right}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: float, drawn: Iterable[str], width: float = WIDTH) -> str:
    return f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" role="group">{"".join(drawn)}</svg>'


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
