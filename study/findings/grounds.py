"""Findings about how participants came to their answers: from looking to intervening, and what their trust rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from study.findings.figure import Figure, Finding, Point, average, share
from study.findings.portrait import TRUST, Attempt, Portrait

Part = tuple[int, int, int]  # interventions, acts, the row it begins at
OBSERVED = ("observed response", "both")  # answers that name what the model did
NO_ACTS = "nobody has an act in both parts"


def shift(people: Sequence[Portrait]) -> Finding:
    """From inspection to intervention, between the phases of the script or within each task."""
    phased = any(len({attempt.condition for attempt in one.attempts}) > 1 for one in people)
    parts = [(one, *(_phases(one) if phased else _halves(one))) for one in people]
    sound = [(one, first, last) for one, first, last in parts if first[1] and last[1]]
    early = [_point(one, first[0] / first[1], first[2]) for one, first, _ in sound]
    late = [_point(one, last[0] / last[1], last[2]) for one, _, last in sound]
    change = [replace(two, value=two.value - was.value) for was, two in zip(early, late, strict=True)]
    names = ("first phase", "last phase") if phased else ("first half", "second half")
    between = (
        "between the first and the last phase (condition) that each participant met"
        if phased
        else "between the first and the second half of the acts of each task, for the script has no phases; the middle "
        "act of an odd number is in neither"
    )
    return Finding(
        key="shift",
        title="From inspection to intervention",
        counted=(
            "Acts are inspections (a component's card, another map or explanation) and interventions (setting, undo, "
            f"redo, reset, comparison). Compared {between}. A participant shifted whose share of interventions grew."
        ),
        figures=(
            share("shifted", [replace(point, value=float(point.value > 0)) for point in change], none=NO_ACTS),
            average("interventions among acts", early, unit="share", where=names[0], none=NO_ACTS),
            average("interventions among acts", late, unit="share", where=names[1], none=NO_ACTS),
            average("change of that share", change, unit="difference", none=NO_ACTS),
        ),
    )


def trust(people: Sequence[Portrait]) -> Finding:
    """What trust rests on as it was answered; where nobody was asked, what participants did instead."""
    answers = {one.session: [a.trust for a in one.attempts if a.trust] for one in people}
    asked = [one for one in people if answers[one.session]]
    if not asked:
        return _behaviour(people)
    named = sorted({answer for given in answers.values() for answer in given})

    def mostly(one: Portrait, wanted: Sequence[str]) -> Point:
        given = answers[one.session]
        return _point(one, float(2 * sum(answer in wanted for answer in given) > len(given)), one.attempts[-1].seq)

    none = "nobody answered"
    return Finding(
        key="trust",
        title="Trust grounding",
        counted=(
            f"The answer `{TRUST}` of each task. A participant counts under what they gave in more than half of their "
            "tasks; observed response or both make the first line."
        ),
        figures=(
            share("the model's observed response", [mostly(one, OBSERVED) for one in asked], none=none),
            *(share(f"answered: {answer}", [mostly(one, (answer,)) for one in asked], none=none) for answer in named),
        ),
    )


def expected(people: Sequence[Portrait]) -> Finding:
    """Predicted against observed effect: how often participants were right about what a step would do."""
    said = [(one, each) for one in people for attempt in one.attempts for each in attempt.expected]
    none = "nobody was asked what a step would do"
    direction = [(one, e.seq, e.direction_right) for one, e in said if e.direction_right is not None]
    top1 = [(one, e.seq, e.top1_right) for one, e in said if e.top1_right is not None]
    brier = [_point(one, e.brier, e.seq) for one, e in said if e.brier is not None]
    return Finding(
        key="expected",
        title="Predicted against observed effect",
        counted=(
            "What participants said a step would do, before they took it: whether the first class would become more or "
            "less probable, which class would come out on top, and with what probability. A Brier score is the squared "
            "distance of that probability from what came: 0 is best, always saying 50 % scores 0.25."
        ),
        figures=(
            average(
                "direction right",
                [_point(one, float(right), seq) for one, seq, right in direction],
                unit="share",
                of="expectations",
                none=none,
            ),
            average(
                "top class right",
                [_point(one, float(right), seq) for one, seq, right in top1],
                unit="share",
                of="expectations",
                none=none,
            ),
            average("Brier score", brier, unit="score", of="expectations", none=none),
        ),
    )


def _behaviour(people: Sequence[Portrait]) -> Finding:
    ended = [(one, [attempt for attempt in one.attempts if attempt.handed_in]) for one in people]
    ended = [(one, attempts) for one, attempts in ended if attempts]

    def mostly(name: str, held: Sequence[Sequence[bool]]) -> Figure:
        points = [
            _point(one, float(2 * sum(true) > len(true)), attempts[0].seq)
            for (one, attempts), true in zip(ended, held, strict=True)
        ]
        return share(name, points, none="nobody handed a task in")

    return Finding(
        key="trust",
        title="Trust grounding: not asked, behaviour instead",
        counted=(
            f"No script of this study asks for `{TRUST}`, so nothing here says what anybody trusted. Counted is what "
            "participants did in more than half of the tasks they handed in: whether they intervened at all before "
            "they answered, and whether they saw the model again with and without an edit (undo, redo, comparison, "
            "return by hand, repetition)."
        ),
        figures=(
            mostly(
                "behaviour: intervened before answering",
                [[_intervened(attempt) for attempt in attempts] for _, attempts in ended],
            ),
            mostly(
                "behaviour: checked with and without an edit",
                [[attempt.checked for attempt in attempts] for _, attempts in ended],
            ),
        ),
    )


def _intervened(attempt: Attempt) -> bool:
    return any(how == "intervene" for how, _ in attempt.acts)


def _halves(one: Portrait) -> tuple[Part, Part]:
    """The first and the second half of the acts of each task, all tasks together."""
    halves = [(a.acts[: len(a.acts) // 2], a.acts[len(a.acts) - len(a.acts) // 2 :]) for a in one.attempts]
    return _part([act for first, _ in halves for act in first]), _part([act for _, last in halves for act in last])


def _phases(one: Portrait) -> tuple[Part, Part]:
    """The acts of the first and of the last condition that a participant met."""
    met = list(dict.fromkeys(attempt.condition for attempt in one.attempts))
    if len(met) < 2:
        return (0, 0, 1), (0, 0, 1)
    acts = {name: [act for a in one.attempts if a.condition == name for act in a.acts] for name in met}
    return _part(acts[met[0]]), _part(acts[met[-1]])


def _part(acts: Sequence[tuple[str, int]]) -> Part:
    return sum(how == "intervene" for how, _ in acts), len(acts), acts[0][1] if acts else 1


def _point(one: Portrait, value: float, seq: int) -> Point:
    return Point(participant=one.participant, session=one.session, seq=seq, value=value, simulated=one.simulated)
