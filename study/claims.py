"""Saving a claim: the plan that stands, in the numbers that the participant gave, measured and written down once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.types import Edit, Op, SteeringPlan
from study.acts import ActRefused
from study.bench import Bench, Given
from study.claim_events import ClaimSaved
from study.history import plan_in
from study.records import Record
from study.state import canonical_edits
from study.steering_events import InterventionApplied


@dataclass(frozen=True, slots=True)
class Saved:
    """A claim that stands in the record, with the row that it came by."""

    seq: int
    event: ClaimSaved


def claimed(bench: Bench, records: Sequence[Record]) -> tuple[ClaimSaved, ...]:
    """The event of saving the plan that stands after `records`; none where it is saved already.

    Raises:
        ActRefused: no edit stands, or there is nothing to measure one on.
    """
    plan = plan_in(records, bench.task)
    if not canonical_edits(plan):
        raise ActRefused("A claim was to be saved, and no edit stands; steer a component first.")
    if bench.certify is None:
        raise ActRefused("A claim was to be saved, and there are no pictures to measure it on; nothing was saved.")
    state = bench.pinned.state(plan).id
    if saved_in(records, bench.task, state) is not None:
        return ()
    made = bench.certify(given_in(records, bench.task, plan))
    return (
        ClaimSaved(
            task=bench.task,
            attempt=bench.attempt,
            state_id=state,
            claim_sha256=made.sha256,
            sentence=made.sentence,
            figures=dict(made.figures),
            file=made.file,
        ),
    )


def saved_in(records: Iterable[Record], task: str, state_id: str) -> Saved | None:
    """The last claim about a state of a task."""
    found: Saved | None = None
    for record in records:
        event = record.event
        if isinstance(event, ClaimSaved) and (event.task, event.state_id) == (task, state_id):
            found = Saved(record.seq, event)
    return found


def given_in(records: Iterable[Record], task: str, plan: SteeringPlan) -> tuple[Given, ...]:
    """The edits of `plan` with the number and unit in which each was last given; in codes where no row says."""
    said: dict[Edit, Given] = {}
    for record in records:
        event = record.event
        if isinstance(event, InterventionApplied) and event.task == task and event.setting is not None:
            said[event.setting] = Given(event.setting, event.value, event.unit)
    return tuple(said.get(edit) or _plain(edit) for edit in plan)


def _plain(edit: Edit) -> Given:
    return Given(edit, edit.strength, "factor" if edit.op is Op.SCALE else "code")
