"""What a console may ask for, read with mistrust as everything is that a browser sends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic_core import ErrorDetails

from study.messages import read_as

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]


class _Act(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,80}$")]


class Join(_Act):
    """Be there, to write if nobody does and the role allows it."""

    kind: Literal["join"]


class Leave(_Act):
    """Be there no longer."""

    kind: Literal["leave"]


class TakeOver(_Act):
    """Become the one who writes."""

    kind: Literal["take_over"]


class Stamp(_Act):
    """Keep this moment for a note."""

    kind: Literal["stamp"]


class WriteNote(_Act):
    """The words of a note; `stamp` is the row of its moment."""

    kind: Literal["note"]
    text: Words
    stamp: Annotated[int, Field(ge=1)] | None = None


class Tick(_Act):
    """A question of the guide was asked, or the tick is taken back."""

    kind: Literal["tick"]
    guide: Key
    asked: bool


class Send(_Act):
    """Put a prompt to the participant: one of the script, or own words."""

    kind: Literal["prompt"]
    prompt: Key | None = None
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""


class Extend(_Act):
    """Give the present task more time."""

    kind: Literal["extend"]
    minutes: Annotated[float, Field(gt=0, le=120, strict=False, allow_inf_nan=False)]


class SkipTask(_Act):
    """Take the present task out, for a reason."""

    kind: Literal["skip"]
    reason: Words


class Pause(_Act):
    """Have time stand still."""

    kind: Literal["pause"]


class GoOn(_Act):
    """End the pause."""

    kind: Literal["go_on"]


class MarkClock(_Act):
    """Give a flash and a tone."""

    kind: Literal["mark_clock"]


ModeratorAct = Join | Leave | TakeOver | Stamp | WriteNote | Tick | Send | Extend | SkipTask | Pause | GoOn | MarkClock
_ACT: TypeAdapter[ModeratorAct] = TypeAdapter(Annotated[ModeratorAct, Field(discriminator="kind")])


def read_moderator_act(message: object) -> ModeratorAct:
    """The act in one message of a console, which may be anything at all.

    Raises:
        ActRefused: with one sentence about the first thing that is wrong.
    """
    return read_as(_ACT, message, _refusal)


def _refusal(first: ErrorDetails) -> str:
    field = next((str(part) for part in reversed(first["loc"]) if part != "kind"), "the act")
    wrong = {"reason": "A skip needs a reason.", "text": "Write some words first."}.get(field)
    return wrong or f"That could not be read ({field}); nothing was done."


def control_of(act: ModeratorAct) -> str | None:
    """The control of the script's `modes.moderated.controls` that an act belongs to; None for those always there."""
    match act:
        case Stamp() | WriteNote() | Tick():
            return "note"
        case Send():
            return "prompt"
        case Pause() | GoOn():
            return "pause"
        case Extend() | SkipTask() | MarkClock():
            return act.kind
        case Join() | Leave() | TakeOver():
            return None
