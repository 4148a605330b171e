"""Findings about repairs: whether and how soon the picture came right, and what the same plan does to others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from study.findings.figure import Figure, Finding, Point, average, share
from study.findings.portrait import Attempt, Portrait

GENERALISED = 0.7  # of the failure's own held-out pictures that a plan must fix to count as general
HARMLESS = 0.02  # of the right pictures that a plan may break and still count as harmless

AttemptKey = tuple[str, str, int]  # session, task, number of the attempt
NOT_HANDED_IN = "nobody handed it in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What a plan does to some pictures; what it neither fixes nor breaks is unchanged."""

    images: int
    right_before: int
    fixed: int
    broken: int

    @property
    def unchanged(self) -> int:
        """Pictures that are right, or wrong, with the plan as without it."""
        return self.images - self.fixed - self.broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A plan as it was handed in, run on pictures that its participant did not work on.

    `own` are held-out failures of the same cause (None where the bundle names none, or the model gets all of them
    right), `all` the bundle's reference set; a sham is a random edit of the same size.
    """

    own: Spread | None
    own_sham: Spread | None
    all: Spread
    all_sham: Spread


Measurements = Mapping[AttemptKey, Measured | str]  # a string says why an attempt was not run


def repair(people: Sequence[Portrait]) -> Finding:
    """Whether the model gave the right class, and after how many settings it first did."""
    figures = [
        share(
            "every task repaired",
            [
                _point(one, float(all(a.repaired for a in ended)), ended[0].seq)
                for one in people
                if (ended := [a for a in one.attempts if a.handed_in and not a.right_at_first])
            ],
            none="nobody handed a task in that was wrong",
        )
    ]
    for task, attempts in by_task(people):
        figures += [
            share(
                "right at the end",
                [_point(one, float(a.repaired), a.repair_seq or a.seq) for one, a in attempts],
                where=task,
                none=NOT_HANDED_IN,
            ),
            share(
                "ever right",
                [
                    _point(one, float(a.right_at_first or a.steps_to_repair is not None), a.repair_seq or a.seq)
                    for one, a in attempts
                ],
                where=task,
                none=NOT_HANDED_IN,
            ),
            average(
                "settings to the first right answer",
                [
                    _point(one, a.steps_to_repair, a.repair_seq or a.seq)
                    for one, a in attempts
                    if a.steps_to_repair is not None
                ],
                unit="steps",
                where=task,
                middle="median",
                none="it was right before any" if any(a.right_at_first for _, a in attempts) else "it was never right",
            ),
        ]
    return Finding(
        key="repair",
        title="Repairs on the picture itself",
        counted=(
            "The last attempt of each participant at each task, if it was handed in. A picture is right when the model "
            "names what it shows, in rows that do not say it the class that its first answer was weighed against. What "
            "was right before anything was set needs no repair: only whether it was right at the end counts. Steps are "
            "settings (suppress, amplify, set, add, restore) up to the first right answer, a median over those who "
            "got there."
        ),
        figures=tuple(figures),
    )


def held_out(people: Sequence[Portrait], measured: Measurements | None) -> Finding:
    """Repaired, generalised, broke others: the plans that were handed in, run on pictures nobody worked on."""
    figures: list[Figure] = []
    for task, attempts in by_task(people):
        ran = [(one, a, (measured or {}).get((one.session, task, a.number))) for one, a in attempts]
        sound = [(one, a, found) for one, a, found in ran if isinstance(found, Measured)]
        said = sorted({found for _, _, found in ran if isinstance(found, str)})
        none = "the plans were not run: ask for --measure" if measured is None else "; ".join(said) or NOT_HANDED_IN
        no_own = "the bundle names no held-out pictures of this failure" if sound else none
        own = [(one, a, found.own) for one, a, found in sound]
        every = [(one, a, found.all) for one, a, found in sound]
        own_sham = [(one, a, found.own_sham) for one, a, found in sound]
        all_sham = [(one, a, found.all_sham) for one, a, found in sound]
        figures += [
            share("generalised", _points(own, lambda s: float(_fixed(s) >= GENERALISED)), where=task, none=no_own),
            share("broke others", _points(every, lambda s: float(_broken(s) > HARMLESS)), where=task, none=none),
            average("its own failures fixed", _points(own, _fixed), unit="share", where=task, none=no_own),
            average("fixed by a sham", _points(own_sham, _fixed), unit="share", where=task, none=no_own),
            average("right pictures broken", _points(every, _broken), unit="share", where=task, none=none),
            average("broken by a sham", _points(all_sham, _broken), unit="share", where=task, none=none),
        ]
    return Finding(
        key="held_out",
        title="The same plan on held-out pictures",
        counted=(
            "Each plan as it was handed in is run on pictures its participant never worked on. Generalised: it fixes "
            f"{100 * GENERALISED:.0f} % or more of the held-out failures of the same cause. Broke others: it makes "
            f"more than {100 * HARMLESS:.0f} % of the reference pictures wrong that were right. A sham is a random "
            "edit of the same size."
        ),
        figures=tuple(figures),
    )


def _points(runs: Sequence[tuple[Portrait, Attempt, Spread | None]], value: Callable[[Spread], float]) -> list[Point]:
    return [_point(one, value(spread), attempt.repair_seq or attempt.seq) for one, attempt, spread in runs if spread]


def _fixed(spread: Spread) -> float:
    """Of those that were wrong before, which must be some."""
    return spread.fixed / (spread.images - spread.right_before)


def _broken(spread: Spread) -> float:
    """Of those that were right before, which must be some."""
    return spread.broken / spread.right_before


def by_task(people: Sequence[Portrait]) -> list[tuple[str, list[tuple[Portrait, Attempt]]]]:
    """Each task in the order first met, with the last attempt at it of each participant who handed it in."""
    last: dict[str, dict[str, tuple[Portrait, Attempt]]] = {}
    for one in people:
        for attempt in one.attempts:
            mine = last.setdefault(attempt.task, {})
            if attempt.handed_in:
                mine[one.session] = one, attempt
    return [(task, list(mine.values())) for task, mine in last.items()]


def _point(one: Portrait, value: float, seq: int) -> Point:
    return Point(participant=one.participant, session=one.session, seq=seq, value=value, simulated=one.simulated)
