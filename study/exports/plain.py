"""Rows of the tidy table, and coded units, read straight from what the database holds.

An export reads a million payloads that were checked when they were written. To make events of them again would cost
more than all else together, so the most frequent kinds are read from their canonical JSON; all others are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

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
    said_cells,
)
from study.units import ACTS, Settings, Unit, settings_of

Plain = Mapping[str, Any]  # an event's payload as JSON has it
Line = list[Cell]  # a row's cells in the order of NAMES

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
    act = ACTS.get(str(one.row["name"]))
    if act is None or one.payload is None:
        return None
    plain = _plain(one.payload)
    return Unit(
        seq=int(one.row["seq"] or 0),
        event_id=str(one.row["event_id"]),
        act=act,
        task=plain["task"],
        attempt=plain.get("attempt", 1),
        image=plain["pinned"]["image_sha256"],
        before=_settings(_edits(plain["before"])),
        after=_settings(_edits(plain["after"])),
        of=plain.get("undone_event") or plain.get("redone_event"),
    )


@lru_cache(1)
def _plain(payload: str) -> Plain:
    # one row's cells and its unit are asked for one after the other
    return from_json(payload)


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
    line[_BEFORE] = _said(plain["before"])
    line[_AFTER] = _said(plain["after"])


def _predicted(plain: Plain, line: Line) -> None:
    line[_PINNED] = _pinned(plain["pinned"])
    line[_AFTER] = _said(plain["after"])
    line[_COST] = (
        _real(plain["latency_ms"]),
        plain.get("cache_hit", False),
        _real(plain.get("edit_norm_ratio", 0.0)),
        _environment(tuple(plain.get("environment", {}).items())),
    )


def _pinned(pinned: Plain) -> tuple[Cell, ...]:
    digests = pinned["image_sha256"], None, pinned["labels_sha256"], pinned["model_sha256"], pinned["dictionary_sha256"]
    return *digests, pinned.get("explanation")


def _said(seen: Plain) -> tuple[Cell, ...]:
    return _told(_edits(seen), seen["logits"], tuple([(one["label"], one["probability"]) for one in seen["top"]]))


def _edits(seen: Plain) -> tuple[Any, ...]:
    return tuple(
        [
            (each["component"], each["op"], each["strength"], each["scope"], tuple(each["patches"]))
            for each in seen["edits"]
        ]
    )


@lru_cache(_KEPT)
def _told(edits: tuple[Any, ...], logits: str, top: tuple[tuple[str, Any], ...]) -> tuple[Cell, ...]:
    settings = [(component, op, _real(strength), scope, patches) for component, op, strength, scope, patches in edits]
    said = said_cells(settings, logits, [(label, _real(chance)) for label, chance in top])
    return tuple(said[name] for name in _SAID)


@lru_cache(_KEPT)
def _settings(edits: tuple[Any, ...]) -> Settings:
    return settings_of(
        Edit(component, Op(op), _real(strength), Scope(scope), patches)
        for component, op, strength, scope, patches in edits
    )


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
