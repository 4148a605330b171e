"""What plots are drawn of: participants as marks, intervals, labels and axes, as pieces of SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from html import escape

from study.findings import Figure, Point
from study.markdown import said

WIDTH = 640
FIRST, LAST = 200, 552  # the plot between the labels and the numbers
_WRAP = 25  # letters of a label on one line

Link = Callable[[Point], str | None]


def crowd(points: Iterable[Point], y: float, link: Link) -> Iterable[str]:
    """Marks in the order of the participants, in one row or two, filled for those who did it."""
    every = list(points)
    rows = 1 if len(every) <= 10 else 2
    each = -(-len(every) // rows)
    for place, point in enumerate(every):
        x, lift = FIRST + 4 + 12 * (place % each), 0 if rows == 1 else 9 * (place // each) - 4.5
        yield mark(point, x, y + lift, link, 3.6, did=bool(point.value))


def swarm(points: Iterable[Point], y: float, across: Callable[[float], float], link: Link) -> Iterable[str]:
    """Marks on a line; those that would lie on one another are set above and below it by turns, within the row."""
    every = sorted(points, key=lambda point: point.value)
    alike = Counter(round(across(point.value) / 6) for point in every)
    met: Counter[int] = Counter()
    for point in every:
        x = across(point.value)
        place = round(x / 6)
        step, turn = min(5.2, 26 / alike[place]), met[place]
        met[place] += 1
        yield mark(point, x, y + step * ((turn + 1) // 2) * (1 if turn % 2 else -1), link, 3.2)


def mark(point: Point, x: float, y: float, link: Link, radius: float = 3.4, *, did: bool = True) -> str:
    """One participant, with their name and the way to their replay."""
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


def interval(figure: Figure, y: float, across: Callable[[float], float]) -> str:
    """The 95 % interval of a figure as a band, and its value as an upright."""
    value = across(figure.value or 0.0)
    band = ""
    if figure.low is not None and figure.high is not None:
        band = f'<path class="band" d="M{across(figure.low):.1f} {y}H{across(figure.high):.1f}"/>'
    return f'{band}<path class="value" d="M{value:.1f} {y - 8}v16"/>'


def beside(text: str, y: float) -> str:
    """Words at the right of a row."""
    return words(LAST + 12, y + 4, text, "start", "said")


def absent(figure: Figure, y: float) -> str:
    """Why a row has no value."""
    lines = lines_of(said(figure.plain()), 46)[:2]
    return "".join(
        words(FIRST, y + 4 + 14 * at - 7 * (len(lines) - 1), line, "start", "none") for at, line in enumerate(lines)
    )


def label(text: str, y: float) -> str:
    """The name of a row at its left, on as many lines as it takes."""
    lines = lines_of(text)
    lift = 7.5 * (len(lines) - 1)
    return "".join(words(0, y + 4 - lift + 15 * at, line, "start", "label") for at, line in enumerate(lines))


def lines_of(text: str, most: int = _WRAP) -> list[str]:
    """The words on lines of `most` letters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def axis(ticks: Iterable[tuple[float, str]], y: float) -> list[str]:
    """The words below an axis."""
    return [words(x, y + 2, text, "middle", "tick") for x, text in ticks]


def rule(left: float, right: float, y: float) -> str:
    """A level line."""
    return f'<path class="rule" d="M{left} {y:.1f}H{right}"/>'


def words(x: float, y: float, text: str, anchor: str, kind: str) -> str:
    """A line of text."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def svg(height: float, drawn: Iterable[str], width: float = WIDTH) -> str:
    """A whole plot."""
    return f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" role="group">{"".join(drawn)}</svg>'
