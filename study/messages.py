"""A browser's messages, read with mistrust: each act is checked in full before anything believes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from core.types import refuse_component
from study.acts import Act, ActRefused, Compare, Explain, Overlay, Preview, Search, Setting

Kind = TypeVar("Kind")
KINDS = (
    *("edit", "undo", "redo", "reset", "inspect", "search", "explain", "overlay", "open", "close", "answer"),
    *("workspace", "compare", "classes", "claim", "preview", "prompt_answer", "prompt_dismiss", "tick"),
    *("mute", "unmute", "recall", "save", "rename", "delete"),
)
ALWAYS = frozenset(
    {"restore", "close", "answer", "workspace", "prompt_answer", "prompt_dismiss", "tick"}
)  # needs no tool
_NEEDS = {  # the tool that a kind of act goes by, where it is not its own
    "inspect": "attribution",
    **dict.fromkeys(("recall", "save", "rename", "delete"), "scenarios"),
    "unmute": "mute",
}
_ACT: TypeAdapter[Act] = TypeAdapter(Annotated[Act, Field(discriminator="kind")])


def read_act(message: object) -> Act:
    """The act in one message of the browser, which may be anything at all.

    Raises:
        ActRefused: with one sentence about the first thing that is wrong.
    """
    return read_as(_ACT, message, _refusal)


def read_as(kinds: TypeAdapter[Kind], message: object, refusal: Callable[[ErrorDetails], str]) -> Kind:
    """One of `kinds` from a message that may be anything at all.

    Raises:
        ActRefused: with what `refusal` says of the first thing that is wrong.
    """
    try:
        return kinds.validate_python(message)
    except ValidationError as error:
        raise ActRefused(refusal(error.errors(include_input=False, include_url=False)[0])) from error


def _refusal(first: ErrorDetails) -> str:
    where = ".".join(str(part) for part in first["loc"] if part not in KINDS) or "the act"
    unknown = first["type"] == "union_tag_invalid"  # its own words repeat what was sent, at any length
    why = f"its kind is none of {', '.join(KINDS)}" if unknown else f"{first['msg'][0].lower()}{first['msg'][1:]}"
    return f"A step could not be read: {where}: {why}. Nothing changed; please do it again."


def act_id(message: object) -> str | None:
    """The id in a message that may not be readable otherwise, so that its refusal can be told to the browser."""
    found = cast("Mapping[str, Any]", message).get("id") if isinstance(message, Mapping) else None
    return found if isinstance(found, str) else None


def offered(act: Act, tools: frozenset[str], components: int, patches: int) -> None:
    """Refuse an act that the task does not offer or that names a component or patch that is not there."""
    tool = act.tool if isinstance(act, Setting | Preview | Explain | Overlay) else act.kind
    scenarios = isinstance(act, Compare) and (act.of, act.against) != ("standing", "original")
    need = "scenarios" if scenarios else _NEEDS.get(tool, tool)
    if need not in tools | ALWAYS:
        raise ActRefused(
            f"The step {tool} was asked for; this task offers {', '.join(sorted(tools))}. Choose one of these."
        )
    component = getattr(act, "component", None)
    if component is not None:
        refuse_component(component, components, ActRefused)
    if not isinstance(act, Setting | Preview):
        if isinstance(act, Search):
            _patches_there(act.patches, patches)
        return
    if (act.scope == "patches") != bool(act.patches):
        raise ActRefused(
            f"Scope {act.scope} was asked for with {len(act.patches)} patches; patches go with scope patches, "
            "at least one. Choose them and try again."
        )
    _patches_there(act.patches, patches)
    if act.scope in ("cls", "patches") and "scope" not in tools:
        raise ActRefused(
            f"Scope {act.scope} was asked for; this task has edits reach every token or those where a component is "
            "active: use scope all or active."
        )


def _patches_there(named: tuple[int, ...], patches: int) -> None:
    if named and max(named) >= patches:
        raise ActRefused(
            f"Patch {max(named)} was asked for; the picture has {patches} (0 to {patches - 1}). Choose one of these."
        )
