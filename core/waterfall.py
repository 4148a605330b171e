"""A margin built up bar by bar, in figures that add up as printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.attribution import Attribution
from core.types import TillerError, View

Kind = Literal["constant", "bias", "zero", "component", "other", "error", "gap"]
SHOWN = 12  # components with a bar of their own
NOTICED = 0.005  # logits; a smaller gap is rounding, and no bar


@dataclass(frozen=True, slots=True)
class Bar:
    """One step on the way from 0 to the margin: `value` in logits, `printed` in hundredths of one."""

    kind: Kind
    value: float
    printed: int
    component: int | None = None
    count: int = 0  # components taken together, in the bar of the others


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The bars in the order in which they are stacked; what they print sums to what the margin prints."""

    view: View
    bars: tuple[Bar, ...]
    margin: float
    printed: int


def waterfall(account: Attribution, shown: int = SHOWN) -> Waterfall:
    """The bars of an exact or an integrated account, with the `shown` greatest components one by one.

    EXACT: constant, bias, components, the others and the error, whose sum is the margin. INTEGRATED: what the model
    says with every code at 0 takes the place of constant, bias and error, which are held all the way, and what the
    integration leaves of the margin is a bar of its own where it is more than rounding.

    Raises:
        TillerError: the account is of a view whose entries promise no sum.
    """
    if account.view not in (View.EXACT, View.INTEGRATED):
        raise TillerError(
            f"A waterfall of view {account.view} was asked for; its entries do not sum to the margin: use view exact "
            "after the last block, else integrated."
        )
    listed = sorted(account.ranked(shown), key=lambda component: -account.scores[component])
    single: list[tuple[Kind, float, int | None, int]] = [
        ("component", account.scores[component], component, 0) for component in listed
    ]
    others = len(account.components) - len(listed)
    rest: list[tuple[Kind, float, int | None, int]] = [("other", account.beyond(listed), None, others)]
    if not others:
        rest = []
    held = account.constant, account.bias, account.error
    gap = account.completeness_gap
    if account.view is View.EXACT:
        steps = [
            ("constant", held[0], None, 0),
            ("bias", held[1], None, 0),
            *single,
            *rest,
            ("error", held[2], None, 0),
        ]
    else:
        steps = [("zero", sum(held), None, 0), *single, *rest]
    if abs(gap) >= NOTICED:
        steps.append(("gap", gap, None, 0))
    margin = round(100 * account.margin)
    figures = hundredths([value for _, value, _, _ in steps], margin, [kind != "component" for kind, *_ in steps])
    bars = tuple(
        Bar(kind, value, figure, component, count)
        for (kind, value, component, count), figure in zip(steps, figures, strict=True)
    )
    return Waterfall(account.view, bars, account.margin, margin)


def hundredths(values: Sequence[float], total: int, first: Sequence[bool] | None = None) -> list[int]:
    """`values` in whole hundredths that sum to `total`, each less than one hundredth from its value.

    Each is rounded; what that leaves of `total` is laid on those that rounding moved the other way, one hundredth
    each: on those marked in `first` before the rest, and the most moved first. `total` has to be the rounded sum.
    """
    exact = [100 * value for value in values]
    found = [round(value) for value in exact]
    left = total - sum(found)
    step = 1 if left > 0 else -1
    moved = [step * (value - figure) for value, figure in zip(exact, found, strict=True)]
    marked = first or [False] * len(found)
    willing = sorted(range(len(found)), key=lambda at: (moved[at] <= 0, not marked[at], -moved[at]))
    for at in willing[: abs(left)]:
        found[at] += step
    return found
