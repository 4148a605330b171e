"""Other classes and prompts for the class bars: what an act puts in, and what stands, folded from the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.types import SteeringPlan
from study.acts import ActRefused, Classes
from study.bench import Bench
from study.class_events import ClassesChanged
from study.history import plan_in
from study.predictions import shown
from study.records import Record


def classes_in(records: Iterable[Record], task: str, attempt: int) -> ClassesChanged | None:
    """The change that stands in this attempt; None where the task's own classes do."""
    found = None
    for record in records:
        event = record.event
        if isinstance(event, ClassesChanged) and (event.task, event.attempt) == (task, attempt):
            found = event if event.labels else None
    return found


def reclassed(act: Classes, bench: Bench, records: Sequence[Record]) -> tuple[ClassesChanged, ...]:
    """The event of `act`; none where what it asks for stands.

    Raises:
        ActRefused: such classes or prompts cannot be put in.
    """
    stands = classes_in(records, bench.task, bench.attempt)
    if (act.labels, act.templates) == ((stands.labels, stands.templates) if stands else ((), ())):
        return ()
    if not act.labels:
        pinned, see = bench.pinned, bench.see
    elif bench.classify is None:
        raise ActRefused("Other classes were asked for; this workspace has no text encoder to read them with.")
    else:
        other = bench.classify(act.labels, act.templates)
        pinned, see = other.pinned, other.see
    plan = plan_in(records, bench.task)
    before, after = (shown(see(each).prediction, each, pinned) for each in (SteeringPlan(), plan))
    return (
        ClassesChanged(
            task=bench.task,
            attempt=bench.attempt,
            labels=act.labels,
            templates=act.templates,
            before=before,
            after=after,
            pinned=pinned,
        ),
    )
