"""What a coder's browser may ask for, read with mistrust, and done by the coder that it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from study.acts import ActRefused
from study.coding import LONGEST_MEMO, Coder

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,80}$")]


class _CodingAct(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,80}$")]
    session: Id
    version: Annotated[int, Field(ge=1)]


class _OnUnit(_CodingAct):
    unit: Id


class Assign(_OnUnit):
    """Give a unit a code, or take it off."""

    kind: Literal["assign", "remove"]
    code: Id


class Note(_OnUnit):
    """Write a unit's memo."""

    kind: Literal["memo"]
    text: Annotated[str, StringConstraints(max_length=LONGEST_MEMO)]


class Agree(_OnUnit):
    """Write down all codes that a unit has by consensus."""

    kind: Literal["agree"]
    codes: Annotated[tuple[Id, ...], Field(max_length=100, strict=False)]


class Lock(_CodingAct):
    """Finish a session."""

    kind: Literal["lock"]


CodingAct = Assign | Note | Agree | Lock
_ACT: TypeAdapter[CodingAct] = TypeAdapter(Annotated[CodingAct, Field(discriminator="kind")])


def read_coding_act(message: object) -> CodingAct:
    """The act in one message of the browser, which may be anything at all.

    Raises:
        ActRefused: it is none.
    """
    try:
        return _ACT.validate_python(message)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the act"
        raise ActRefused(
            f"A step could not be read ({where[:60]}). Nothing was changed; please do it again."
        ) from error


def carry_out(act: CodingAct, coder_at: Callable[[CodingAct], Coder]) -> None:
    """Do an act once, however often it is sent.

    Args:
        act: what to do; its id is the log's key.
        coder_at: who does it, at the session that the act names.

    Raises:
        CodingRefused: it cannot be done; drop it.
        LogUnavailable, LogMoved: nothing was written; send the same act again.
    """
    coder = coder_at(act)
    match act:
        case Assign(kind="assign"):
            coder.assign(act.unit, act.code, version=act.version, key=act.id)
        case Assign():
            coder.remove(act.unit, act.code, version=act.version, key=act.id)
        case Note():
            coder.note(act.unit, act.text, version=act.version, key=act.id)
        case Agree():
            coder.agree(act.unit, act.codes, version=act.version, key=act.id)
        case Lock():
            coder.lock(version=act.version, key=act.id)
