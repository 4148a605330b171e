"""What acts upon the list of scenarios make happen: the plan that acts is kept, a name changed, one taken off."""

from __future__ import annotations

from collections.abc import Sequence

from study.acts import ActRefused
from study.bench import Bench
from study.beside import last_shown
from study.history import plan_in
from study.records import Record
from study.scenario_acts import DeleteScenario, RenameScenario, SaveScenario
from study.scenario_events import ScenarioDeleted, ScenarioRenamed, ScenarioSaved
from study.scenarios import scenario_in, scenarios_in
from study.state import canonical_edits

MOST_KEPT = 12  # in one attempt


def kept(
    act: SaveScenario | RenameScenario | DeleteScenario, bench: Bench, records: Sequence[Record]
) -> tuple[ScenarioSaved | ScenarioRenamed | ScenarioDeleted, ...]:
    """The event of `act` after `records`; none where the same plan or name is there already.

    Raises:
        ActRefused: no edit acts, too many scenarios are kept, or there is none such.
    """
    if isinstance(act, SaveScenario):
        return _saved(act, bench, records)
    known = scenario_in(records, bench.task, act.scenario)
    if isinstance(act, DeleteScenario):
        return (ScenarioDeleted(task=bench.task, attempt=bench.attempt, scenario=known.id),)
    if act.title == known.title:
        return ()
    return (ScenarioRenamed(task=bench.task, attempt=bench.attempt, scenario=known.id, title=act.title),)


def _saved(act: SaveScenario, bench: Bench, records: Sequence[Record]) -> tuple[ScenarioSaved, ...]:
    plan, known = plan_in(records, bench.task), scenarios_in(records, bench.task)
    if not canonical_edits(plan):
        raise ActRefused("A scenario was to be saved, and no edit acts; steer a component first.")
    if any((one.title, canonical_edits(one.shown.edits)) == (act.title, canonical_edits(plan)) for one in known):
        return ()
    if len(known) >= MOST_KEPT:
        raise ActRefused(f"{MOST_KEPT} scenarios are kept, which is the most; delete one first.")
    seen = last_shown(records, bench, plan)
    return (ScenarioSaved(task=bench.task, attempt=bench.attempt, title=act.title, after=seen, pinned=bench.pinned),)
