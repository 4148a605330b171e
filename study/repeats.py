"""Whether an act that comes again under its id is the one whose event stands there."""

from __future__ import annotations

from core.types import Scope
from study.acts import (
    Act,
    Claim,
    Close,
    Compare,
    Explain,
    Inspect,
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
from study.concept_events import ConceptSearched
from study.events import Event
from study.preview_events import InterventionPreviewed
from study.prompt_events import PromptAnswered, PromptDismissed
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
    wanted: tuple[object, ...]
    match act, event:
        case (Setting(), InterventionApplied()) | (Preview(), InterventionPreviewed()):
            unit = "factor" if act.op == "scale" else act.unit
            wanted = (act.component, act.tool, act.strength, unit, Scope(act.scope), act.patches)
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
        case Turn(), PageEntered():
            wanted, stands = (act.kind,), (event.page,)
        case _:
            return _asked_aside(act, event)
    return wanted == stands


def _asked_aside(act: Act, event: Event) -> bool:
    """The same for acts that change nothing in the workspace."""
    match act, event:
        case (PromptAnswer() as said, PromptAnswered() as row):
            given = {(one.item, one.text.strip(), one.number) for one in said.answers}
            return not row.item or (row.item, row.text, row.number) in given
        case (Search() as asking, ConceptSearched() as row):
            mine = asking.query
            stands = (row.how, row.text, row.patches, row.origin, row.to)
            return (mine.how, mine.text, mine.patches, mine.origin, mine.target) == stands
        case (Open() as act, PictureOpened() as row):
            return act.picture == row.image
        case (
            (PromptDismiss(), PromptDismissed())
            | (Compare(), InterventionCompared())
            | (Claim(), ClaimSaved())
            | (Close(), PictureClosed())
        ):
            return True
        case _:
            return False
