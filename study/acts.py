"""What a browser may ask for: the kinds of acts, each with the bounds of what it may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.types import Scope, TillerError
from study.events import Event
from study.preview_events import InterventionPreviewed
from study.prompt_events import PromptAnswered, PromptDismissed
from study.records import ClientTime
from study.steering_events import (
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
)
from study.task_events import ConceptInspected, ExplanationChanged, PageEntered

MOST = 100.0  # the strongest setting a control may ask for, in factors, p99 or codes


class ActRefused(TillerError):
    """An act from the browser that cannot be done; it is dropped, and its sentence shown."""


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0, lt=2**31)]


class _Act(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,80}$")]
    task: Name
    control: Name = "button"
    epoch_ms: Number | None = None
    perf_ms: Number | None = None
    origin_ms: Number | None = None

    @property
    def client(self) -> ClientTime:
        """The browser's clocks at the act."""
        return ClientTime(epoch_ms=self.epoch_ms, perf_ms=self.perf_ms, time_origin=self.origin_ms)


class Expectation(BaseModel):
    """What the participant says beforehand that a step will do; questions that were not put stay empty."""

    model_config = ConfigDict(frozen=True, strict=True)

    direction: Literal["up", "down", "same"] | None = None
    top1: Annotated[str, StringConstraints(max_length=200)] | None = None
    probability: Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)] | None = None
    confidence: Annotated[float, Field(allow_inf_nan=False, ge=0, le=100)] | None = None
    hypothesis: Annotated[str, StringConstraints(max_length=10_000)] = ""


class Setting(_Act):
    """Give one component a strength: a factor under `scale`, multiples of its p99 (or codes) under `set` and `add`."""

    kind: Literal["edit"]
    component: Index
    strength: Annotated[float, Field(allow_inf_nan=False, ge=-MOST, le=MOST)]
    op: Literal["scale", "set", "add"] = "scale"
    unit: Literal["p99", "code"] = "p99"
    scope: Literal["active", "all", "cls", "patches"] = "active"
    patches: Annotated[tuple[Index, ...], Field(max_length=4096, strict=False)] = ()
    expected: Expectation | None = None

    @property
    def tool(self) -> str:
        """The tool that a task must offer for it: restore, suppress, amplify, set or add."""
        if self.op == "scale":
            return "restore" if self.strength == 1 else "suppress" if self.strength < 1 else "amplify"
        return "restore" if self.op == "add" and self.strength == 0 else self.op


class Preview(_Act):
    """Say that a slider rested at a factor while it was dragged; nothing is changed by it."""

    kind: Literal["preview"]
    component: Index
    strength: Annotated[float, Field(allow_inf_nan=False, ge=0, le=MOST)]

    @property
    def tool(self) -> str:
        """The tool that a task must offer for it."""
        return "restore" if self.strength == 1 else "suppress" if self.strength < 1 else "amplify"


class Compare(_Act):
    """Look at the model's answer without any edit, beside the one that stands."""

    kind: Literal["compare"]


class Undo(_Act):
    """Take the last standing intervention back."""

    kind: Literal["undo"]


class Redo(_Act):
    """Do the last undone intervention again."""

    kind: Literal["redo"]


class Reset(_Act):
    """Take all edits away."""

    kind: Literal["reset"]


class Inspect(_Act):
    """Open one component's card."""

    kind: Literal["inspect"]
    component: Index


class Explain(_Act):
    """Ask for another explanation: a view, or a margin between two other labels."""

    kind: Literal["explain"]
    view: Name
    toward: Annotated[str, StringConstraints(max_length=200)] | None = None
    against: Annotated[str, StringConstraints(max_length=200)] | None = None


class Overlay(_Act):
    """Lay another map over the picture, or none."""

    kind: Literal["overlay"]
    overlay: Name
    component: Index | None = None


class Turn(_Act):
    """Go to the answer page, or back from it to the workspace."""

    kind: Literal["answer", "workspace"]


class Reply(BaseModel):
    """The answer to one question of a prompt: words or the id of a choice in `text`, a mark on a scale in `number`."""

    model_config = ConfigDict(frozen=True, strict=True)

    item: Name
    text: Annotated[str, StringConstraints(max_length=10_000)] = ""
    number: Number | None = None


class PromptAnswer(_Act):
    """Answer the prompt of row `shown`, its event's id; a prompt without questions is answered by having spoken."""

    kind: Literal["prompt_answer"]
    shown: Name
    answers: Annotated[tuple[Reply, ...], Field(max_length=20, strict=False)] = ()


class PromptDismiss(_Act):
    """Put the prompt of row `shown` away without an answer."""

    kind: Literal["prompt_dismiss"]
    shown: Name


class Tick(_Act):
    """Say that what was sent has been drawn, or that a time is over: a prompt may come up or go."""

    kind: Literal["tick"]


Change = Setting | Undo | Redo | Reset
Act = Change | Compare | Preview | Inspect | Explain | Overlay | Turn | PromptAnswer | PromptDismiss | Tick


def asked(act: Act, event: Event) -> bool:
    """Whether `event`, which stands under the act's id, is what this act asks for; what was found out aside."""
    wanted: tuple[object, ...]
    match act, event:
        case Setting(), InterventionApplied():
            unit = "factor" if act.op == "scale" else act.unit
            wanted = (act.component, act.tool, act.strength, unit, Scope(act.scope), act.patches)
            stands = (event.component, event.tool, event.value, event.unit, event.scope, event.patches)
        case (Undo(), InterventionUndone()) | (Redo(), InterventionRedone()) | (Reset(), InterventionReset()):
            wanted = stands = ()
        case Inspect(), ConceptInspected():
            wanted, stands = (act.component,), (event.component,)
        case Explain(), ExplanationChanged():
            wanted, stands = (act.view, act.toward, act.against), (event.view, event.toward, event.against)
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
        case (Preview() as rested, InterventionPreviewed() as row):
            return (rested.component, rested.strength) == (row.component, row.value)
        case (PromptDismiss(), PromptDismissed()) | (Compare(), InterventionCompared()):
            return True
        case _:
            return False
