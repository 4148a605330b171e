"""The file of a claim, read with mistrust: what is not as it was written is refused in one sentence."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from core.claim import TURNS, Claim, Count, Line, OnPicture, OnSet, pictures_digest
from core.types import Edit, Op, Scope, SteeringPlan, TillerError

FORMAT, VERSION = "tiller-claim", 1
LARGEST = 16 << 20  # bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Found = TypeVar("Found")


class ClaimRefused(TillerError):
    """A file that is no claim, or that is not as it was written."""


class _Wrong(Exception):
    """What is wrong with one place of a file."""


def text_of(claim: Claim) -> str:
    """The claim as its file holds it."""
    return json.dumps(claim.as_json(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read_file(path: Path) -> Claim:
    """The claim in a file.

    Raises:
        ClaimRefused: it is not there, is no claim, or was changed after it was written.
    """
    if not path.is_file():
        there = "that is a folder" if path.is_dir() else "there is no such file"
        raise ClaimRefused(f"The claim '{path}' was asked for, but {there}; check the path.")
    if path.stat().st_size > LARGEST:
        raise ClaimRefused(f"'{path}' is larger than {LARGEST >> 20} MiB, and no claim is; name a claim's file.")
    return read_text(path.read_bytes(), f"'{path}'")


def read_text(text: str | bytes, what: str = "The claim") -> Claim:
    """The claim that a file's text holds; `what` it is called in a refusal.

    Raises:
        ClaimRefused: as `read_file`.
    """
    try:
        said = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
    except RecursionError:
        raise ClaimRefused(f"{what} cannot be read (it is nested too deep); get the file again.") from None
    except (ValueError, _Wrong) as wrong:
        raise ClaimRefused(f"{what} cannot be read as JSON ({_short(wrong)}); get the file again.") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ClaimRefused(f"{what} is no claim; name a file that `tiller claim make` or the workspace has written.")
    if said.get("version") != VERSION or isinstance(said["version"], bool):
        raise ClaimRefused(
            f"{what} is of version {_short(said.get('version'))}; this reads version {VERSION}: take a later Tiller."
        )
    try:
        claim = _claim(said)
        written = claim.as_json()
    except _Wrong as wrong:
        raise ClaimRefused(f"{what} is damaged: {wrong}; get the file again.") from None
    except (TillerError, ValueError) as wrong:  # an edit that none can be, counts that do not add up, half an emoji
        raise ClaimRefused(f"{what} is damaged: {_short(wrong)}; get the file again.") from None
    if written != said:
        places = sorted(key for key in written.keys() | said.keys() if written.get(key) != said.get(key))
        inside = [key for key in places if key != "sha256"] or ["sha256"]
        raise ClaimRefused(
            f"{what} was changed after it was written ({_short(', '.join(inside))} does not follow from the rest, or "
            "from its digest); get the file again."
        )
    return claim


def _claim(said: Mapping[str, Any]) -> Claim:
    digests = _taken(said, "digests", _mapping)
    claim = Claim(
        lines=_lines(said),
        dictionary=_taken(said, "dictionary", _words),
        labels=_texts(said, "labels"),
        templates=_texts(said, "templates"),
        model_sha256=_taken(digests, "model", _digest),
        dictionary_sha256=_taken(digests, "dictionary", _digest),
        bundle_sha256=_taken(digests, "bundle", _digest),
        picture=_maybe(said, "picture", _picture),
        held_out=_maybe(said, "held_out", _set),
        reference=_maybe(said, "reference", _set),
        environment={_words(name): _words(value) for name, value in _taken(said, "environment", _mapping).items()},
        made=_taken(said, "made", _date),
    )
    if claim.held_out is None and claim.reference is None:
        raise _Wrong("it counts no pictures")
    if claim.held_out is not None and not claim.held_out.pictures:
        raise _Wrong("held_out names none of its pictures")
    return claim


def _lines(said: Mapping[str, Any]) -> tuple[Line, ...]:
    lines = tuple(_line(_mapping(each)) for each in _taken(said, "plan", _list))
    if not lines:
        raise _Wrong("its plan is empty")
    ordered = [edit.component for edit in SteeringPlan(tuple(line.edit for line in lines))]
    if ordered != [line.edit.component for line in lines]:
        raise _Wrong("the edits of its plan are not in the order of their components")
    return lines


def _line(one: Mapping[str, Any]) -> Line:
    op = Op(_taken(one, "op", _words))
    unit = _taken(one, "unit", _words)
    if unit not in (("factor",) if op is Op.SCALE else ("p99", "code")):
        raise _Wrong(f"{op} is given in {_short(unit)}")
    edit = Edit(
        component=_taken(one, "component", _whole),
        op=op,
        strength=_taken(one, "strength", _number),
        scope=Scope(_taken(one, "scope", _words)),
        patches=tuple(_whole(patch) for patch in _taken(one, "patches", _list)),
    )
    line = Line(edit, _taken(one, "value", _number), unit)
    if unit != "p99" and line.value != edit.strength:
        raise _Wrong(f"component {edit.component} has two strengths")
    return line


def _picture(said: object) -> OnPicture:
    one = _mapping(said)
    return OnPicture(
        sha256=_taken(one, "sha256", _digest),
        shows=_maybe(one, "shows", _words),
        before=_taken(one, "before", _words),
        turns={turn: _taken(one, turn, _words) for turn in TURNS},
        borderline=_taken(one, "borderline", _truth),
    )


def _set(said: object) -> OnSet:
    one = _mapping(said)
    listed = [_list(each) for each in _list(one.get("pictures", []))]
    if any(len(each) != 2 for each in listed):
        raise _Wrong("a picture is more than a digest and a class")
    pictures = tuple((_digest(sha256), _words(shows)) for sha256, shows in listed)
    found = OnSet(
        sha256=_taken(one, "sha256", _digest),
        images=_taken(one, "images", _whole),
        right_before=_taken(one, "right_before", _whole),
        turns={turn: _count(_taken(one, turn, _mapping)) for turn in TURNS},
        pictures=pictures,
    )
    if pictures and (len(pictures), pictures_digest(pictures)) != (found.images, found.sha256):
        raise _Wrong("the pictures that it lists are not those that it counts")
    if any(each.borderline > found.images for each in found.turns.values()):
        raise _Wrong("more pictures are borderline than there are")
    return found


def _count(one: Mapping[str, Any]) -> Count:
    fixed, broken = (_taken(_taken(one, name, _mapping), "hits", _whole) for name in ("fixed", "broken"))
    return Count(fixed, broken, _taken(one, "borderline", _whole))


def _taken(said: Mapping[str, Any], name: str, read: Callable[[object], Found]) -> Found:
    if name not in said:
        raise _Wrong(f"{name} is missing")
    try:
        return read(said[name])
    except (_Wrong, ValueError) as wrong:
        raise _Wrong(f"{name}: {_short(wrong)}") from None


def _maybe(said: Mapping[str, Any], name: str, read: Callable[[object], Found]) -> Found | None:
    return _taken(said, name, lambda value: None if value is None else read(value))


def _texts(said: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(_words(each) for each in _taken(said, name, _list))


def _words(value: object) -> str:
    # a terminal takes what is not printable for orders
    return value if isinstance(value, str) and value.isprintable() else _refuse(value, "words")


def _whole(value: object) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return cast("int", value) if fits else _refuse(value, "a whole number below 2^31")


def _number(value: object) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(cast("float", value)) if fits and math.isfinite(cast("float", value)) else _refuse(value, "a number")


def _truth(value: object) -> bool:
    return value if isinstance(value, bool) else _refuse(value, "true or false")


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else _refuse(value, "a list")


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else _refuse(value, "a group of fields")


def _digest(value: object) -> str:
    return value if isinstance(value, str) and _SHA256.fullmatch(value) else _refuse(value, "a SHA-256")


def _date(value: object) -> str:
    return value if isinstance(value, str) and _DATE.fullmatch(value) else _refuse(value, "a date in UTC")


def _refuse(value: object, wanted: str) -> NoReturn:
    raise _Wrong(f"{_short(repr(value) if isinstance(value, str) else value)} is not {wanted}")


def _short(value: object) -> str:
    try:
        text = str(value)
    except ValueError:  # a whole number of more digits than Python writes out
        return "a number of thousands of digits"
    text = "".join(each if each.isprintable() else "?" for each in text).rstrip(".;")
    return text if len(text) <= 120 else f"{text[:120]}…"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Wrong("a field stands in it twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise _Wrong(f"{name} is no number")
