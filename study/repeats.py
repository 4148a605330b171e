"""Whether an act that comes again under its id is the one whose event stands there."""

from __future__ import annotations

from core.types import Scope
from study.acts import (
    Act,
    Claim,
    Classes,
    Close,
    Compare,
    Explain,
    Inspect,
    Mute,
    Open,
    Overlay,
    Preview,
    PromptAnswer,
    PromptDismiss,
    Redo,
    Reset,
    Search,
    Setting,
    Turn,
    Undo,
)
from study.claim_events import ClaimSaved
from study.class_events import ClassesChanged
from study.concept_events import ConceptSearched
from study.events import Event
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.preview_events import InterventionPreviewed
from study.prompt_events import PromptAnswered, PromptDismissed
from study.scenario_acts import DeleteScenario, Recall, RenameScenario, SaveScenario
from study.scenario_events import InterventionRecalled, ScenarioDeleted, ScenarioRenamed, ScenarioSaved
from study.steering_events import (
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
)
from study.task_events import ConceptInspected, ExplanationChanged, PageEntered
from study.visit_events import PictureClosed, PictureOpened


def asked(act: Act, event: Event) -> bool:
    """Whether `event`, which stands under the act's id, is what this act asks for; what was found out aside."""
    if isinstance(act, Classes):
        said = (event.labels, event.templates) if isinstance(event, ClassesChanged) else None
        return (act.labels, act.templates) == said
    wanted: tuple[object, ...]
    if isinstance(act, Turn):
        return isinstance(event, PageEntered) and act.kind == event.page
    match act, event:
        case Setting(), InterventionApplied():
            wanted = _strength_of(act)
            stands = (event.component, event.tool, event.value, event.unit, event.scope, event.patches)
        case (Undo(), InterventionUndone()) | (Redo(), InterventionRedone()) | (Reset(), InterventionReset()):
            wanted = stands = ()
        case Inspect(), ConceptInspected():
            wanted, stands = (act.component,), (event.component,)
        case Explain(), ExplanationChanged():
            wanted = (act.view, act.toward, act.against, act.layout)
            stands = (event.view, event.toward, event.against, event.layout)
        case Overlay(), ExplanationChanged():
            wanted, stands = (act.overlay, act.component), (event.overlay, event.component)
        case _:
            return _asked_aside(act, event)
    return wanted == stands


def _asked_aside(act: Act, event: Event) -> bool:
    """The same for acts that change nothing in the workspace."""
    match act, event:
        case (PromptAnswer() as said, PromptAnswered() as row):
            given = {(one.item, one.text.strip(), one.number) for one in said.answers}
            return not row.item or (row.item, row.text, row.number) in given
        case (Preview() as rested, InterventionPreviewed() as row):
            stands = (row.component, row.tool, row.value, row.unit, row.scope, row.patches)
            return _strength_of(rested) == stands
        case (Search() as asking, ConceptSearched() as row):
            mine = asking.query
            stands = (row.how, row.text, row.patches, row.origin, row.to)
            return (mine.how, mine.text, mine.patches, mine.origin, mine.target) == stands
        case (Open() as act, PictureOpened() as row):
            return act.picture == row.image
        case (PromptDismiss(), PromptDismissed()) | (Claim(), ClaimSaved()) | (Close(), PictureClosed()):
            return True
        case _:
            return _asked_kept(act, event)


def _asked_kept(act: Act, event: Event) -> bool:
    """The same for acts about muted edits and scenarios, and for putting two states side by side."""
    wanted: object
    match act, event:
        case Mute(), InterventionMuted():
            wanted, stands = (act.kind, act.component), ("mute", event.component)
        case Mute(), InterventionUnmuted():
            wanted, stands = (act.kind, act.component), ("unmute", event.component)
        case Compare(), InterventionCompared():
            wanted, stands = (act.of, act.against), (event.of, event.against)
        case SaveScenario(), ScenarioSaved():
            wanted, stands = act.title, event.title
        case RenameScenario(), ScenarioRenamed():
            wanted, stands = (act.scenario, act.title), (event.scenario, event.title)
        case (DeleteScenario(), ScenarioDeleted()) | (Recall(), InterventionRecalled()):
            wanted, stands = act.scenario, event.scenario
        case _:
            return False
    return wanted == stands


def _strength_of(act: Setting | Preview) -> tuple[object, ...]:
    """What an act says of a component, as its event has it."""
    unit = "factor" if act.op == "scale" else act.unit
    return act.component, act.tool, act.strength, unit, Scope(act.scope), act.patches
