"""From answers to scores: each way of scoring is a function of the items' values after reversal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from core.types import TillerError
from study.instruments.instrument import Instrument, Item, Scale, Score, Subscale


def mean(values: Sequence[float], scale: Scale) -> float:
    """The mean of the items, on their own scale.

    Raw TLX: Hart 2006. Hoffman et al. 2023. Jian, Bisantz & Drury 2000. Körber 2019, for each subscale.
    """
    return fmean(values)


def centred_mean(values: Sequence[float], scale: Scale) -> float:
    """The mean with the middle of the scale as 0: 1 to 7 count as -3 to +3. UEQ-S: Schrepp et al. 2017."""
    return fmean(values) - (scale.min + scale.max) / 2


def total(values: Sequence[float], scale: Scale) -> float:
    """The sum of the items."""
    return float(sum(values))


def sus(values: Sequence[float], scale: Scale) -> float:
    """0 to 100: what each of the ten items has above 1, times 2.5 (odd items x-1, even 5-x). Brooke 1996."""
    return 2.5 * sum(value - scale.min for value in values)


def share_of_highest(values: Sequence[float], scale: Scale) -> float:
    """The sum over the highest sum there is: for ten items to 5, the sum over 50. SCS: Holzinger et al. 2020."""
    return sum(values) / (len(values) * scale.max)


SCORINGS: Mapping[str, Callable[[Sequence[float], Scale], float]] = {
    "mean": mean,
    "centred_mean": centred_mean,
    "sum": total,
    "sus": sus,
    "share_of_highest": share_of_highest,
}


def scores_of(instrument: Instrument, answers: Mapping[str, float | None]) -> tuple[Score, ...]:
    """The scores of one filling, a subscale each and the whole last; an item without an answer is missing.

    Where items are missing the instrument's rule decides: `refuse` gives no score, `middle` counts the middle of the
    scale, `leave_out` scores the others as long as half of the subscale is answered (a convention; its authors are
    silent on it). Where nothing is answered there is no score.

    Raises:
        TillerError: an answer to an item that is not there, or one outside of the scale.
    """
    for item, value in answers.items():
        if item not in {known.id for known in instrument.items}:
            count = len(instrument.items)
            raise TillerError(f"{instrument.id} has no item {item!r}; it has {count}: {_ids(instrument)}.")
        if value is not None and value not in instrument.scale.places:
            scale = instrument.scale
            steps = f" in steps of {scale.step}" if scale.step != 1 else ""
            raise TillerError(
                f"{instrument.id}, item {item}: {value:g} is outside of the scale, which runs from {scale.min} to "
                f"{scale.max}{steps}."
            )
    items = {item.id: item for item in instrument.items}
    return tuple(_scored(instrument, part, items, answers) for part in instrument.subscales)


def _scored(
    instrument: Instrument, part: Subscale, items: Mapping[str, Item], answers: Mapping[str, float | None]
) -> Score:
    scale, wanted = instrument.scale, len(part.items)
    given = [_turned(items[item], value, scale) for item in part.items if (value := answers.get(item)) is not None]
    answered = len(given)
    if answered < wanted and instrument.missing == "middle":
        given += [(scale.min + scale.max) / 2] * (wanted - answered)
    fewest = {"refuse": wanted, "middle": 1, "leave_out": max(1, (wanted + 1) // 2)}[instrument.missing]
    score = None if answered < fewest else SCORINGS[instrument.scoring](given, scale)
    return Score(part.id, score, answered, wanted)


def _turned(item: Item, value: float, scale: Scale) -> float:
    return scale.min + scale.max - value if item.reversed else value


def _ids(instrument: Instrument) -> str:
    return ", ".join(item.id for item in instrument.items)
