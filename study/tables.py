"""Results as tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rich.table import Table

from core.types import Prediction, cut_name, many
from study.streams import RECEIPTS

if TYPE_CHECKING:
    from study.erasure import Receipt
    from study.media import Fault
    from study.outlook import Outlook
    from study.preflight import Check
    from study.records import Chain
    from study.replay import Outcome, Verdict


_MANY = 12  # names that a person reads through


class Figure(Protocol):
    """A measured figure with its 95 % interval and the goal it is held against."""

    @property
    def name(self) -> str:
        """What was measured."""
        ...

    @property
    def value(self) -> float:
        """The measurement."""
        ...

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        ...

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        ...

    @property
    def goal(self) -> float:
        """What was asked for."""
        ...

    @property
    def met(self) -> bool:
        """Whether the value reaches the goal."""
        ...


def steering_table(before: Prediction, after: Prediction, ratio: float, idle: Sequence[int] = ()) -> Table:
    """Probabilities before and after, most probable before first; `idle` are components whose edit changed nothing."""
    unmoved = f"\nchanged nothing here: the edits of {', '.join(map(str, idle))}" if idle else ""
    table = _table(
        f"{before.top} -> {after.top}",
        ("class",),
        ("before", "after", "change"),
        f"edit size ||dx||/||x|| = {ratio:.3f}{unmoved}",
    )
    for place in before.ranked:
        was, now = before.probs[place], after.probs[place]
        table.add_row(before.labels[place], f"{was:.1%}", f"{now:.1%}", f"{now - was:+.1%}")
    return table


def attribution_table(result: Mapping[str, Any], named: Callable[[int], str]) -> Table:
    """The entries of one attribution in logits, components first; `result` is what --json prints.

    Args:
        named: what a component is called.
    """
    margin, where = f"{result['margin']:+.3f} logits", cut_name(result["sae"]["block"])
    title = f"{result['target']} over {result['against']}: {margin}, {where}"
    # of the four views only these two promise a sum
    loose = result["view"] not in ("exact", "integrated")
    note = f"{result['view']} scores need not add up to the margin; the gap is what they leave" if loose else None
    table = _table(title, ("entry", "name"), ("activation", "score"), note)
    for each in result["components"]:
        table.add_row(str(each["index"]), named(each["index"]), f"{each['activation']:.3f}", f"{each['score']:+.3f}")
    for entry in ("other", "bias", "error", "constant", "total", "completeness_gap"):
        table.add_row(entry.replace("_", " "), "", "", f"{result[entry]:+.3f}")
    return table


def figures_table(figures: Iterable[Figure]) -> Table:
    """The demo's figures with their intervals and goals."""
    title = "On freshly drawn pictures that training never saw, with 95 % intervals"
    table = _table(title, ("figure",), ("value", "low", "high", "goal", ""))
    for figure in figures:
        numbers = (f"{100 * number:.1f} %" for number in (figure.value, figure.low, figure.high, figure.goal))
        table.add_row(figure.name, *numbers, "[green]met[/green]" if figure.met else "[red]missed[/red]")
    return table


def chains_table(chains: Sequence[Chain], faults: Sequence[Fault] = ()) -> Table:
    """Each session's chain: its rows and, where it is broken, the first bad row; under it, what recordings lack."""
    bad = sum(not chain.whole for chain in chains)
    notes = [f"session {one.session_id}, recording {one.media}: {one.reason}" for one in faults]
    beside = sum(":" in one.session_id or one.session_id == RECEIPTS for one in chains)
    sessions = many(len(chains) - beside, "session")
    others = f" and {many(beside, 'stream')} beside them" if beside else ""
    title = f"{sessions}{others}, {bad or 'none'} with a fault"
    table = _table(title, ("stream", "first fault"), ("rows", "row"), "\n".join(notes) or None)
    for chain in chains:
        row = "" if chain.whole else str(chain.bad_seq)
        table.add_row(chain.session_id, chain.reason or "whole", str(chain.rows), row)
    return table


def replay_table(outcomes: Sequence[Outcome], verdict: Verdict) -> Table:
    """Each prediction that was run again, and the verdict on all of them; under it, where the machines differ."""
    changed = dict(item for outcome in outcomes for item in outcome.differing.items())
    unknown = [name for name, (then, _) in changed.items() if not then]
    moved = [f"{name} was {then}, is {now}" for name, (then, now) in changed.items() if then]
    notes = [*moved, *([f"not logged then: {', '.join(unknown)}"] if unknown else [])]
    title = f"{many(len(outcomes), 'prediction')}: {verdict}"
    table = _table(title, ("act", "task", "verdict", "why"), ("row", "logits apart"), "\n".join(notes) or None)
    for one in outcomes:
        apart = "" if one.distance is None else f"{one.distance:.2g}"
        table.add_row(one.name, one.task, one.verdict, one.reason, str(one.seq), apart)
    return table


def receipts_table(receipts: Sequence[Receipt]) -> Table | str:
    """What was erased of each session, and whether a trace is left in the files that were searched."""
    if not receipts:
        return "There is nothing to erase."
    table = _table(
        "Erased", ("session", "left in the files"), ("rows", "payloads", "ids", "media", "sought"), _beyond(receipts)
    )
    for one in receipts:
        trace = f"{one.found} of what was sought" if one.found else "nothing"
        left = trace if one.settled else f"{trace}; the app is reading: stop it and erase again"
        table.add_row(one.session, left, *map(str, (one.rows, one.payloads, one.participants, one.media, one.sought)))
    return table


def outlooks_table(outlooks: Sequence[Outlook]) -> Table | str:
    """What an erasure would take of each session, and what it would leave; nothing was changed."""
    if not outlooks:
        return "There is nothing to erase."
    table = _table(
        "Would be erased, and is not", ("session", "exports"), ("rows", "payloads", "ids", "media"), _beyond(outlooks)
    )
    for one in outlooks:
        numbers = map(str, (one.rows, one.payloads, one.participants, one.media))
        table.add_row(one.session, ", ".join(one.exports), *numbers)
    return table


def _beyond(found: Sequence[Receipt | Outlook]) -> str:
    """Where an erasure looks, where it cannot, and who may have copies that it does not reach."""
    said = [
        ("searched", dict.fromkeys(name for one in found for name in one.searched), ", "),
        ("not searched", dict.fromkeys(name for one in found for name in one.unsearched), ", "),
        ("handed on, and yours to take away", dict.fromkeys(name for one in found for name in one.handed_on), "\n  "),
    ]
    lines = [f"{what}: {between.join(_some(names))}" for what, names, between in said if names]
    return "\n".join([*lines, "Backups and other copies keep what they have."])


def _some(names: Iterable[str]) -> list[str]:
    """The first of many names, and how many more there are."""
    every = list(names)
    return every if len(every) <= _MANY else [*every[: _MANY - 1], f"{len(every) - _MANY + 1} more (--json names them)"]


def _table(title: str, words: tuple[str, ...], numbers: tuple[str, ...], caption: str | None = None) -> Table:
    table = Table(title=title, caption=caption, caption_justify="left")
    for heading in words:
        table.add_column(heading, overflow="fold")  # an id that is cut cannot be copied
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def checks_table(checks: Sequence[Check]) -> Table:
    """The checks of a rehearsal, each with its faults beneath it."""
    failed = sum(not check.passed for check in checks)
    title = f"{many(failed, 'check')} failed" if failed else f"All {len(checks)} checks passed"
    table = _table(title, ("check", "counted"), ("",))
    for check in checks:
        table.add_row(check.name, check.counted, "[green]passed[/green]" if check.passed else "[red]failed[/red]")
        for fault in check.faults[:_MANY]:
            table.add_row(f"  {fault}", "", "")
        if len(check.faults) > _MANY:
            table.add_row(f"  and {len(check.faults) - _MANY} more", "", "")
    return table
