"""Findings about what participants tried: the direction that prevails, every strategy code, and how these shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from study.findings.figure import Figure, Finding, Point, average, share
from study.findings.portrait import TENTHS, Portrait
from study.strategies import DEFINITIONS, LAYERS, VERSION

DIRECTIONS = ("suppress", "amplify", "set")
NOBODY = "nobody began a task"


def dominant(people: Sequence[Portrait]) -> Finding:
    """Which direction most of each participant's settings went in."""
    leading = {one.session: prevailing(one.codes) for one in people}
    ties = sorted({name for name in leading.values() if " = " in name})
    figures = [
        share(name, [_point(one, float(leading[one.session] == name)) for one in people], none=NOBODY)
        for name in (*DIRECTIONS, *ties, "no setting")
    ]
    shares = [
        _point(one, one.codes["suppress"] / settings)
        for one in people
        if (settings := sum(one.codes[name] for name in DIRECTIONS))
    ]
    figures.append(
        average("suppressing settings of all settings", shares, unit="share", none="nobody changed a component")
    )
    return Finding(
        key="dominant",
        title="Dominant strategy",
        counted=(
            "Each participant counts once, under the direction (suppress, amplify or set) of most of their settings; "
            "undo, redo, reset, comparisons and returns by hand are no settings. Where two directions are equally "
            f"frequent, both are named. Coded by {VERSION}."
        ),
        figures=tuple(figures),
    )


def prevailing(codes: Counter[str]) -> str:
    """The direction of most settings; all that are equally frequent, as `suppress = amplify`."""
    most = max(codes[name] for name in DIRECTIONS)
    return " = ".join(name for name in DIRECTIONS if codes[name] == most) if most else "no setting"


def tried(people: Sequence[Portrait]) -> Finding:
    """Who did each thing at least once."""
    return Finding(
        key="tried",
        title="What was tried",
        counted=f"Participants who did each thing at least once in the whole session, by {VERSION}.",
        figures=tuple(
            share(
                name,
                [_point(one, float(one.codes[name] > 0)) for one in people],
                none=NOBODY,
                total=sum(one.codes[name] for one in people),
            )
            for name in DEFINITIONS
        ),
    )


def course(people: Sequence[Portrait]) -> Finding:
    """Each move's share of a participant's moves, tenth by tenth of the session."""
    met = [name for name in LAYERS["move"] if any(one.codes[name] for one in people)]
    figures: list[Figure] = []
    for tenth in range(TENTHS):
        here = [(one, Counter(name for name, when, _ in one.moves if when == tenth)) for one in people]
        for name in met:
            points = [_point(one, moves[name] / moves.total(), tenth) for one, moves in here if moves]
            figures.append(
                average(name, points, unit="share", where=str(tenth + 1), none="nobody made a move in this tenth")
            )
    return Finding(
        key="course",
        title="Strategies over time",
        counted=(
            "The time from a session's first task to its last row is cut into ten equal parts, pauses taken out. In "
            "each part, every participant who made a move there counts equally, with the share that each kind of move "
            "has among their own."
        ),
        figures=tuple(figures),
    )


def _point(one: Portrait, value: float, tenth: int | None = None) -> Point:
    rows = [seq for _, when, seq in one.moves if tenth in (None, when)]
    seq = rows[0] if rows else 1
    return Point(participant=one.participant, session=one.session, seq=seq, value=value, simulated=one.simulated)
