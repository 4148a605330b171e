"""What became of labelled pictures: put right, made wrong, wrong otherwise or as they were, and how many of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import starmap
from typing import Literal

from core.types import ClassChange, Ripple

Change = Literal["fixed", "broken", "other", "same"]


def change_of(right: int, was: int, now: int) -> Change:
    """What became of one picture: right where it was wrong, wrong where it was right, wrong otherwise, or as it was."""
    if was == now:
        return "same"
    return "fixed" if now == right else "broken" if was == right else "other"


def counted(truth: Sequence[int], before: Sequence[int], after: Sequence[int], labels: tuple[str, ...]) -> Ripple:
    """The counts of some pictures, from the right class of each and what it was called before and after."""
    rows = list(zip(truth, before, after, strict=True))
    many = Counter(starmap(change_of, rows))
    classes = []
    for place, label in enumerate(labels):
        mine = [(was, now) for right, was, now in rows if right == place]
        if mine:
            right_before = sum(was == place for was, _ in mine)
            classes.append(ClassChange(label, len(mine), right_before, sum(now == place for _, now in mine)))
    return Ripple(
        images=len(rows),
        fixed=many["fixed"],
        broken=many["broken"],
        unchanged=many["same"] + many["other"],
        rerouted=many["other"],
        classes=tuple(classes),
        before=tuple(before),
        after=tuple(after),
    )
