"""What a browser may ask for: the kinds of acts, each with the bounds of what it may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.types import TillerError
from study.explanations import Layout
from study.records import ClientTime
from study.searches import How, Query

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


class _Strength(_Act):
    component: Index
    strength: Annotated[float, Field(allow_inf_nan=False, ge=-MOST, le=MOST)]
    op: Literal["scale", "set", "add"] = "scale"
    unit: Literal["p99", "code"] = "p99"
    scope: Literal["active", "all", "cls", "patches"] = "active"
    patches: Annotated[tuple[Index, ...], Field(max_length=4096, strict=False)] = ()

    @property
    def tool(self) -> str:
        """The tool that a task must offer for it: restore, suppress, amplify, set or add."""
        if self.op == "scale":
            return "restore" if self.strength == 1 else "suppress" if self.strength < 1 else "amplify"
        return "restore" if self.op == "add" and self.strength == 0 else self.op


class Setting(_Strength):
    """Give one component a strength: a factor under `scale`, multiples of its p99 (or codes) under `set` and `add`."""

    kind: Literal["edit"]
    expected: Expectation | None = None


class Preview(_Strength):
    """Say that a slider rested at a strength while it was dragged; nothing is changed by it."""

    kind: Literal["preview"]


class Compare(_Act):
    """Look at the model's answer without any edit, beside the one that stands."""

    kind: Literal["compare"]


class Claim(_Act):
    """Save what the edits that stand do to other pictures, so that it can be measured again."""

    kind: Literal["claim"]


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
    """Ask for another explanation: a view, the margin between two other labels, or another layout of components."""

    kind: Literal["explain"]
    view: Name
    toward: Annotated[str, StringConstraints(max_length=200)] | None = None
    against: Annotated[str, StringConstraints(max_length=200)] | None = None
    layout: Layout | None = None

    @property
    def tool(self) -> str:
        """The tool that a task must offer for it."""
        if self.toward is not None or self.against is not None:
            return "contrast"
        return "waterfall" if self.layout == "waterfall" else "attribution"


class Overlay(_Act):
    """Lay another map over the picture, or none."""

    kind: Literal["overlay"]
    overlay: Name
    component: Index | None = None


class Search(_Act):
    """Ask the dictionary for components: by a word, by patches, or by what moves one label to another."""

    kind: Literal["search"]
    how: How
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    patches: Annotated[tuple[Index, ...], Field(max_length=4096, strict=False)] = ()
    origin: Annotated[str, StringConstraints(max_length=200)] = ""
    target: Annotated[str, StringConstraints(max_length=200)] = ""

    @property
    def query(self) -> Query:
        """What is looked for, and nothing that does not belong to that way of looking."""
        match self.how:
            case "word":
                return Query("word", text=self.text)
            case "region":
                return Query("region", patches=tuple(sorted(set(self.patches))))
            case "move":
                return Query("move", origin=self.origin, target=self.target)


class Open(_Act):
    """Look at another picture under the edits that stand, by the name that the page gave it."""

    kind: Literal["open"]
    picture: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,90}$")]


class Close(_Act):
    """Go back to the task's own picture."""

    kind: Literal["close"]


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
Act = (
    Change
    | Compare
    | Claim
    | Preview
    | Inspect
    | Search
    | Explain
    | Overlay
    | Open
    | Close
    | Turn
    | PromptAnswer
    | PromptDismiss
    | Tick
)
