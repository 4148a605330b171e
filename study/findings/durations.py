"""Findings about time: how long each task took, and how it was spent; pauses are no time on a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from study.findings.figure import Figure, Finding, Point, average
from study.findings.portrait import Attempt, Portrait
from study.findings.repair import NOT_HANDED_IN, by_task

PARTS: dict[str, Callable[[Attempt], float | None]] = {
    "in all": lambda a: a.seconds,
    "before the first intervention": lambda a: a.seconds if a.first_act is None else a.first_act,
    "from the first to the last": lambda a: None if a.first_act is None else (a.last_act or 0.0) - a.first_act,
    "after the last, answering": lambda a: None if a.last_act is None else (a.seconds or 0.0) - a.last_act,
}


def durations(people: Sequence[Portrait]) -> Finding:
    """Time on each task in three parts, and in the order and under the conditions in which tasks were met."""
    tasks = by_task(people)
    figures = [_median(name, task, attempts, part) for task, attempts in tasks for name, part in PARTS.items()]
    every = [pair for _, attempts in tasks for pair in attempts]
    for order in sorted({a.order for _, a in every}):
        met = [(one, a) for one, a in every if a.order == order]
        figures.append(_median("in all", f"task met as number {order}", met, PARTS["in all"]))
    for condition in sorted({a.condition for _, a in every if a.condition}):
        under = [(one, a) for one, a in every if a.condition == condition]
        figures.append(_median("in all", f"condition {condition}", under, PARTS["in all"]))
    guessed = sum(a.guessed for _, a in every)
    return Finding(
        key="time",
        title="Time on each task",
        counted=(
            "From opening a task to handing it in, pauses taken out; medians over attempts that were handed in. The "
            "three parts end at the first intervention, at the last, and when the answers were handed in."
            + (f" {guessed} of them span a restart of the server's machine: by its wall clock." if guessed else "")
        ),
        figures=tuple(figures),
    )


def _median(
    name: str, where: str, attempts: Sequence[tuple[Portrait, Attempt]], part: Callable[[Attempt], float | None]
) -> Figure:
    points = [
        Point(participant=one.participant, session=one.session, seq=a.seq, value=seconds, simulated=one.simulated)
        for one, a in attempts
        if (seconds := part(a)) is not None
    ]
    none = "nobody intervened" if attempts else NOT_HANDED_IN
    return average(name, points, unit="seconds", where=where, of="attempts", middle="median", none=none)
