"""What is looked at, passed through or compared beside the plan that stands; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from core.types import Scope, SteeringPlan
from study.acts import ActRefused, Close, Compare, Explain, Inspect, Open, Overlay, Preview, Search
from study.asked import edit_asked
from study.bench import Bench
from study.concept_events import ConceptSearched
from study.events import Event
from study.explanations import Pair
from study.history import plan_in
from study.predictions import Shown, shown
from study.preview_events import InterventionPreviewed
from study.records import Record
from study.state import canonical_edits
from study.steering_events import InterventionCompared, ModelPredicted
from study.task_events import ConceptInspected, ExplanationChanged, ExplanationViewed
from study.visit_events import PictureClosed, PictureOpened
from study.visits import visit_in


def looked(
    act: Compare | Preview | Inspect | Search | Explain | Overlay | Open | Close,
    bench: Bench,
    records: Sequence[Record],
) -> tuple[Event, ...]:
    """The events of `act` after `records`; none for a comparison with, or a rest at, what stands anyway.

    Raises:
        ActRefused: no such picture may be opened; there is no such pair of labels.
    """
    plan = plan_in(records, bench.task)
    match act:
        case Compare():
            return _compared(act, bench, records, plan)
        case Preview():
            return _previewed(act, bench, plan)
        case Inspect():
            return (ConceptInspected(task=bench.task, attempt=bench.attempt, component=act.component),)
        case Search():
            return (_searched(act, bench),)
        case Explain() | Overlay():
            return _explained(act, bench, plan)
        case Open() | Close():
            return _visited(act, bench, records, plan)
        case _:
            assert_never(act)


def last_shown(records: Sequence[Record], bench: Bench, plan: SteeringPlan) -> Shown:
    """What the participant last saw under `plan`: by the log where it was shown, else by the model now."""
    here = bench.pinned.state(plan).id
    for record in reversed(records):
        event = record.event
        if isinstance(event, ModelPredicted) and event.after.state_id == here:
            return event.after
    return shown(bench.see(plan).prediction, plan, bench.pinned)


def _searched(act: Search, bench: Bench) -> ConceptSearched:
    query = act.query
    if not (query.text or query.patches or query.origin):
        raise ActRefused("A search for nothing was asked for; give a word, patches of the picture, or two labels.")
    strange = [label for label in (query.origin, query.target) if query.how == "move" and label not in bench.labels]
    if strange or (query.how == "move" and query.origin == query.target):
        raise ActRefused(
            f"What moves {query.origin!r} to {query.target!r} was asked for; the model chooses from "
            f"{', '.join(bench.labels)}: name two of them."
        )
    return ConceptSearched(
        task=bench.task,
        attempt=bench.attempt,
        how=query.how,
        text=query.text,
        patches=query.patches,
        origin=query.origin,
        to=query.target,
        found=bench.find(query),
    )


def _compared(act: Compare, bench: Bench, records: Sequence[Record], plan: SteeringPlan) -> tuple[Event, ...]:
    if not canonical_edits(plan):
        return ()
    stands, other = (last_shown(records, bench, each) for each in (plan, SteeringPlan()))
    return (
        InterventionCompared(
            task=bench.task,
            attempt=bench.attempt,
            pinned=bench.pinned,
            before=stands,
            after=stands,
            other=other,
            control=act.control,
        ),
    )


def _previewed(act: Preview, bench: Bench, plan: SteeringPlan) -> tuple[Event, ...]:
    if canonical_edits(plan.put(edit_asked(act, bench))) == canonical_edits(plan):
        return ()
    return (
        InterventionPreviewed(
            task=bench.task,
            attempt=bench.attempt,
            component=act.component,
            tool=act.tool,
            value=act.strength,
            unit="factor" if act.op == "scale" else act.unit,
            scope=Scope(act.scope),
            patches=act.patches,
        ),
    )


def _visited(act: Open | Close, bench: Bench, records: Sequence[Record], plan: SteeringPlan) -> tuple[Event, ...]:
    there = visit_in(records, bench.task)
    if isinstance(act, Close):
        return (PictureClosed(task=bench.task, attempt=bench.attempt, image=there.image),) if there else ()
    if there and there.image == act.picture:
        return ()
    other = bench.elsewhere(act.picture)
    if other is None:
        raise ActRefused("A picture was to be opened that is none of those on the page; choose one that is shown.")
    before, after = (shown(other.see(each).prediction, each, other.pinned) for each in (SteeringPlan(), plan))
    return (
        PictureOpened(
            task=bench.task,
            attempt=bench.attempt,
            image=act.picture,
            of=other.of,
            shows=other.shows,
            before=before,
            after=after,
            pinned=other.pinned,
        ),
    )


def _explained(act: Explain | Overlay, bench: Bench, plan: SteeringPlan) -> tuple[Event, ...]:
    view = bench.pinned.explanation
    here = bench.pinned.state(plan).id
    same = ExplanationChanged(
        task=bench.task, attempt=bench.attempt, view=view, view_before=view, before_state_id=here, after_state_id=here
    )
    if isinstance(act, Overlay):
        return (replace(same, overlay=act.overlay, component=act.component),)
    there = replace(bench.pinned, explanation=act.view).state(plan).id
    layout = act.layout
    changed = replace(same, view=act.view, toward=act.toward, against=act.against, layout=layout, after_state_id=there)
    if act.toward is None and act.against is None:
        return (changed,)
    listed = bench.explain(_pair(act, bench))
    viewed = ExplanationViewed(
        task=bench.task,
        attempt=bench.attempt,
        view=act.view,
        toward=str(act.toward),
        against=str(act.against),
        components=listed,
    )
    return (changed, viewed) if listed else (changed,)


def _pair(act: Explain, bench: Bench) -> Pair:
    if act.toward not in bench.labels or act.against not in bench.labels or act.toward == act.against:
        raise ActRefused(
            f"What speaks for {act.toward!r} rather than {act.against!r} was asked for; the model chooses from "
            f"{', '.join(bench.labels)}: name two of them."
        )
    return Pair(act.toward, act.against)
