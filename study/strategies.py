"""The rule coder: what a participant tried, read off the order of the interventions; pure, and versioned as a whole.

Three layers. A *move* says what one unit did (exactly one each), a *scope* how many components were then edited (at
most one each), a *pattern* what several units in a row amount to (spans, which may overlap).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, groupby
from typing import Literal

from study.units import Key, Setting, Unit

VERSION = "rules/1.0.0"
MIN_STRENGTHS = 3  # different strengths of one component that make a sweep
MIN_COMPONENTS = 3  # different components tried from one state that make a scan

Layer = Literal["move", "scope", "pattern"]

DEFINITIONS: dict[str, str] = {
    "suppress": "Every component that the step set ends weaker than it is by itself.",
    "amplify": "Every component that the step set ends stronger than it is by itself.",
    "set": "Every component that the step set ends at a fixed strength other than 0.",
    "hand-revert": "Every component that the step set goes back by hand to a setting it had before in this attempt.",
    "undo": "The last step was taken back with undo.",
    "redo": "A step taken back was done again with redo.",
    "reset": "All edits were taken away at once.",
    "compare": "Two states were put side by side.",
    "other": "A step of which no other move is true, such as one component up and another down at once.",
    "isolate": "After the step exactly one component is edited, so the effect is its own.",
    "bundle": "After the step two or more components are edited.",
    "sweep": f"One component alone was tried at {MIN_STRENGTHS} or more strengths in a row.",
    "scan": f"{MIN_COMPONENTS} or more components were tried from one state, going back to it in between.",
    "transfer-check": "Edits that were tried on another picture were tried for the first time on this one.",
    "confirm": "A step from one state to another was made again in the same attempt.",
}
LAYERS: dict[Layer, tuple[str, ...]] = {
    "move": ("suppress", "amplify", "set", "hand-revert", "undo", "redo", "reset", "compare", "other"),
    "scope": ("isolate", "bundle"),
    "pattern": ("sweep", "scan", "transfer-check", "confirm"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code given to the units from `first` to `last` (sequence numbers, both included)."""

    layer: Layer
    name: str
    first: int
    last: int
    attributes: Mapping[str, int | bool] = field(default_factory=dict[str, int | bool])


def codes_of(units: Sequence[Unit]) -> tuple[Code, ...]:
    """Every code that the rules give to one participant's units, by where they begin."""
    codes = [*_transfers(units)]
    for _, attempt in groupby(units, key=lambda unit: (unit.task, unit.attempt)):
        mine = list(attempt)
        changes = [unit for unit in mine if unit.act != "compared"]
        codes += [*_moves(mine), *_scopes(mine), *_sweeps(changes), *_scans(changes), *_confirmed(mine)]
    layers = list(LAYERS)
    return tuple(sorted(codes, key=lambda code: (code.first, layers.index(code.layer), code.last, code.name)))


def _moves(units: Sequence[Unit]) -> Iterator[Code]:
    """Each unit's move; the stacks remember which settings each component has had since the attempt began."""
    start = units[0].before
    numbers: dict[Setting | None, int] = {}  # a stack holds each setting's number, which is compared in no time
    stacks: dict[int, tuple[int, ...]] = {}
    stood: dict[str, dict[int, tuple[int, ...]]] = {}

    def number(setting: Setting | None) -> int:
        return numbers.setdefault(setting, len(numbers))

    def stack(component: int) -> tuple[int, ...]:
        return stacks.get(component) or (number(start.get(component)),)

    for unit in units:
        if unit.act in ("applied", "redone", "reset"):
            stood[unit.of or unit.event_id] = dict(stacks)
        now = {component: number(unit.after.get(component)) for component in unit.touched}
        returning = {component for component, setting in now.items() if setting in stack(component)[:-1]}
        name, attributes = _move(unit, returning)
        yield Code(layer="move", name=name, first=unit.seq, last=unit.seq, attributes=attributes)
        if name == "hand-revert":
            for component, setting in now.items():
                held = stack(component)[:-1]
                stacks[component] = held[: len(held) - held[::-1].index(setting)]
        elif unit.act in ("applied", "redone"):
            for component, setting in now.items():
                stacks[component] = (*stack(component), setting)
        elif unit.act == "reset":
            stacks = {}
        elif unit.act == "undone":
            stacks = dict(stood.get(str(unit.of), {}))


def _move(unit: Unit, returning: set[int]) -> tuple[str, dict[str, int | bool]]:
    named = {"undone": "undo", "redone": "redo", "reset": "reset", "compared": "compare"}
    if unit.act != "applied":
        return named[unit.act], {}
    going = [component for component in unit.touched if component not in returning]
    if not going:
        return "hand-revert", {}
    ends = [unit.after.get(component) for component in going]
    sides = {"other" if end is None else end.side for end in ends}
    if len(sides) > 1 or "other" in sides:
        return "other", {}
    (side,) = sides
    attributes: dict[str, int | bool] = {}
    if any(end is not None and end.op == "scale" and end.strength < 0 for end in ends):
        attributes["inverted"] = True
    if side != "set" and all(_eases(unit.before.get(c), unit.after[c], side) for c in going):
        attributes["eases"] = True
    return side, attributes


def _eases(was: Setting | None, now: Setting, side: str) -> bool:
    """Still on the same side of neutral, and nearer to it."""
    if was is None or was.op != now.op or was.side != side:
        return False
    return now.strength > was.strength if side == "suppress" else now.strength < was.strength


def _scopes(units: Sequence[Unit]) -> Iterator[Code]:
    for unit in units:
        if unit.act == "applied" and unit.after:
            many = {"active": len(unit.after), "touched": len(unit.touched)} if len(unit.after) > 1 else {}
            name = "bundle" if many else "isolate"
            yield Code(layer="scope", name=name, first=unit.seq, last=unit.seq, attributes=many)


def _sweeps(units: Sequence[Unit]) -> Iterator[Code]:
    """Longest runs that touch one component alone, from an applied event on."""
    for touched, group in groupby(units, key=lambda unit: unit.touched):
        run = list(dropwhile(lambda unit: unit.act != "applied", group))
        if len(touched) != 1 or not run:
            continue
        tried: dict[str, set[float]] = {}
        for unit in run:
            setting = unit.after.get(touched[0])
            if setting is not None:
                tried.setdefault(setting.op, set()).add(setting.strength)
        if max(map(len, tried.values()), default=0) >= MIN_STRENGTHS:
            yield _pattern("sweep", run, component=touched[0])


def _scans(units: Sequence[Unit]) -> Iterator[Code]:
    """Longest runs of legs from one state; a leg touches one component and may stay open only as the last.

    Each leg is followed once: it leads to one next leg from the same state, and what begins within a run is part of it.
    """
    ends = _leg_ends(units)
    followed: set[int] = set()
    told: dict[Key, int] = {}  # where the last scan from a state ended
    for first in ends:
        start = units[first].before_key
        if first in followed or units[first].seq <= told.get(start, 0):
            continue
        tried: set[int] = set()
        place, last = first, first
        while place in ends:
            followed.add(place)
            tried.add(units[place].touched[0])
            last, back = ends[place]
            if not back:
                break
            place = last + 1
        if len(tried) >= MIN_COMPONENTS:
            told[start] = units[last].seq
            yield _pattern("scan", units[first : last + 1], components=len(tried))


def _leg_ends(units: Sequence[Unit]) -> dict[int, tuple[int, bool]]:
    """For each place where a leg can begin, in order: the last place of the leg, and whether it is back by then."""
    ends: dict[int, tuple[int, bool]] = {}
    component: int | None = None
    beyond = len(units)  # the first place after the stretch that touches `component` alone
    back: dict[Key, int] = {}  # within it, where each state is next come to
    still: dict[Key, int] = {}  # the same over what touches nothing before the next that touches something
    touching = len(units)  # where that next one is
    for place in range(len(units) - 1, -1, -1):
        unit = units[place]
        if len(unit.touched) == 1 and unit.touched[0] != component:
            component, beyond, back = unit.touched[0], touching, dict(still)
        back[unit.after_key] = place
        still[unit.after_key] = place
        if unit.touched:
            touching, still = place, {}
        if len(unit.touched) > 1:
            component = None
        if len(unit.touched) == 1 and unit.act in ("applied", "redone"):
            at = back.get(unit.before_key)
            ends[place] = (beyond - 1, False) if at is None else (at, True)
    return dict(reversed(ends.items()))


def _confirmed(units: Sequence[Unit]) -> Iterator[Code]:
    return _repeated("confirm", units, lambda unit: (unit.before_key, unit.after_key))


def _repeated(name: str, units: Sequence[Unit], key: Callable[[Unit], object]) -> Iterator[Code]:
    met: set[object] = set()
    for unit in units:
        if unit.act == "applied":
            if key(unit) in met:
                yield _pattern(name, [unit])
            met.add(key(unit))


def _transfers(units: Sequence[Unit]) -> Iterator[Code]:
    """Edits that another picture has had as the result of an applied event, and this one not yet."""
    images: dict[object, set[str]] = {}
    for unit in units:
        if unit.act == "applied" and unit.after:
            seen = images.setdefault(unit.after_key, set())
            if seen and unit.image not in seen:
                yield _pattern("transfer-check", [unit])
            seen.add(unit.image)


def _pattern(name: str, run: Sequence[Unit], **attributes: int) -> Code:
    return Code(layer="pattern", name=name, first=run[0].seq, last=run[-1].seq, attributes=attributes)
