"""Rows of the tidy table, and coded units, read straight from what the database holds.

An export reads a million payloads that were checked when they were written. To make events of them again would cost
more than all else together, so the most frequent kinds are read from their canonical JSON; all others are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, cast

from pydantic_core import from_json

from core.types import Edit, Op, Scope
from study.drafts import COLUMNS
from study.events import event_in
from study.exports.columns import NAMES
from study.happening import Cell
from study.records import Stored, Value
from study.state import canonical, digest
from study.steering_events import (
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
    edit_text,
    said_cells,
)
from study.task_events import TaskStarted
from study.units import ACTS, Setting, Settings, Unit, setting_of

Plain = Mapping[str, Any]  # an event's payload as JSON has it
Line = list[Cell]  # a row's cells in the order of NAMES

_AFTER_IS = '{"after":'
_KEPT = 4096  # what a state shows stands in about three rows, near each other
_PLACES = {name: place for place, name in enumerate(NAMES)}
_PLACED = cast("Callable[[Mapping[str, Value]], tuple[Value, ...]]", itemgetter(*COLUMNS))
_REST: Line = [None] * (len(NAMES) - len(COLUMNS) - 1)


def _block(*names: str) -> slice:
    """Where columns stand that stand together."""
    first = _PLACES[names[0]]
    if NAMES[first : first + len(names)] != names:
        raise ValueError(f"The columns {', '.join(names)} do not stand in this order.")
    return slice(first, first + len(names))


_PINNED = _block("image_sha256", "labels", "labels_sha256", "model_sha256", "dictionary_sha256", "view")
_ACT = _block(
    *("component", "control", "tool", "value", "unit", "scope", "patches"),
    *("op", "strength", "op_previous", "strength_previous", "undone_event_id", "redone_event_id"),
)
_SAID = ("edits", "logits", "top1", "top1_probability", "topk")
_BEFORE = _block(*(f"{name}_before" for name in _SAID))
_AFTER = _block(*(f"{name}_after" for name in _SAID))
_COST = _block("latency_ms", "cache_hit", "edit_norm_ratio", "environment_sha256")


def line_of(one: Stored) -> Line:
    """One row's cells in the order of NAMES; None in columns that its kind does not have."""
    line: Line = [*_PLACED(one.row), one.payload is None, *_REST]
    if one.payload is None:
        return line
    name = str(one.row["name"])
    fill = _FILLED.get(name)
    if fill is not None:
        fill(_plain(one.payload), line)
        return line
    for column, cell in event_in(name, one.payload).cells().items():
        line[_PLACES[column]] = cell
    return line


def unit_in(one: Stored) -> Unit | None:
    """The coded unit that a row is; None if it is none, or its payload was erased."""
    name = str(one.row["name"])
    act = ACTS.get(name)
    if act is None or one.payload is None:
        return None
    plain = _plain(one.payload) if name in _FILLED else from_json(one.payload)
    unit = Unit(
        seq=int(one.row["seq"] or 0),
        event_id=str(one.row["event_id"]),
        act=act,
        task=plain["task"],
        attempt=plain.get("attempt", 1),
        image=plain["pinned"]["image_sha256"],
        before=_seen(plain["before"]).settings,
        after=_seen(plain["after"]).settings,
        of=plain.get("undone_event") or plain.get("redone_event"),
    )
    return unit if unit.counts else None


def practice_in(one: Stored) -> str | None:
    """The task whose practice begins with a row; None where none does."""
    if one.row["name"] != TaskStarted.name or one.payload is None:
        return None
    plain = from_json(one.payload)
    return str(plain["task"]) if plain.get("practice") else None


@lru_cache(1)
def _plain(payload: str) -> Plain:
    """The payload of a kind in _FILLED with its states, by their names, left as the JSON that they are.

    Keys are in order, and `,"attempt":` cannot stand in a text, where a quote has a backslash before it: so a state
    ends where the key after it begins.
    """
    # cached, for one row's cells and its unit are asked for one after the other
    after, found, rest = payload.partition(',"attempt":')
    if not found or not after.startswith(_AFTER_IS):
        return from_json(payload)
    held: dict[str, Any] = {"after": after[len(_AFTER_IS) :]}
    attempt, found, rest = rest.partition(',"before":')
    if not found:
        return from_json(f'{{"attempt":{attempt}') | held
    for key in (',"component":', ',"control":'):
        held["before"], found, tail = rest.partition(key)
        if found:
            return from_json(f'{{"attempt":{attempt}{key}{tail}') | held
    return from_json(payload)


class _Seen(NamedTuple):
    """One state and what the model said there: its five cells, and its edits as settings."""

    cells: tuple[Cell, ...]
    settings: Settings


def _seen(state: str | Plain) -> _Seen:
    return _seen_in(state) if isinstance(state, str) else _made(state)


@lru_cache(_KEPT)
def _seen_in(text: str) -> _Seen:
    return _made(from_json(text))


def _made(seen: Plain) -> _Seen:
    edits = [(of["component"], of["op"], of["strength"], of["scope"], tuple(of["patches"])) for of in seen["edits"]]
    top = [(of["label"], _real(of["probability"])) for of in seen["top"]]
    said = said_cells(map(_edit, edits), seen["logits"], top)
    settings = {edit[0]: setting for edit in edits if (setting := _setting(edit)) is not None}
    return _Seen(tuple(said[name] for name in _SAID), settings)


@lru_cache(_KEPT)
def _edit(edit: tuple[Any, ...]) -> str:
    component, op, strength, scope, patches = edit
    return edit_text(component, op, _real(strength), scope, patches)


@lru_cache(_KEPT)
def _setting(edit: tuple[Any, ...]) -> Setting | None:
    component, op, strength, scope, patches = edit
    return setting_of(Edit(component, Op(op), _real(strength), Scope(scope), patches))


def _applied(plain: Plain, line: Line) -> None:
    setting, previous = plain.get("setting"), plain.get("previous")
    _around(
        plain,
        line,
        plain["component"],
        plain.get("control", "button"),
        plain["tool"],
        _real(plain["value"]),
        plain["unit"],
        plain.get("scope", "active"),
        " ".join(map(str, plain.get("patches", ()))) or None,
        setting["op"] if setting else None,
        _real(setting["strength"]) if setting else None,
        previous["op"] if previous else None,
        _real(previous["strength"]) if previous else None,
        None,
        None,
    )


def _other(plain: Plain, line: Line) -> None:
    named = plain.get("undone_event"), plain.get("redone_event")
    _around(plain, line, None, plain.get("control", "button"), *[None] * 9, *named)


def _around(plain: Plain, line: Line, *act: Cell) -> None:
    line[_ACT] = act
    line[_PINNED] = _pinned(plain["pinned"])
    line[_BEFORE] = _seen(plain["before"]).cells
    line[_AFTER] = _seen(plain["after"]).cells


def _predicted(plain: Plain, line: Line) -> None:
    line[_PINNED] = _pinned(plain["pinned"])
    line[_AFTER] = _seen(plain["after"]).cells
    line[_COST] = (
        _real(plain["latency_ms"]),
        plain.get("cache_hit", False),
        _real(plain.get("edit_norm_ratio", 0.0)),
        _environment(tuple(plain.get("environment", {}).items())),
    )


def _pinned(pinned: Plain) -> tuple[Cell, ...]:
    digests = pinned["image_sha256"], None, pinned["labels_sha256"], pinned["model_sha256"], pinned["dictionary_sha256"]
    return *digests, pinned.get("explanation")


@lru_cache(_KEPT)
def _environment(fields: tuple[tuple[str, str], ...]) -> str:
    return digest(canonical(dict(fields)))


def _real(value: Any) -> float:
    return float.fromhex(value) if isinstance(value, str) else float(value)


_FILLED: dict[str, Callable[[Plain, Line], None]] = {
    InterventionApplied.name: _applied,
    InterventionUndone.name: _other,
    InterventionRedone.name: _other,
    InterventionReset.name: _other,
    ModelPredicted.name: _predicted,
}
