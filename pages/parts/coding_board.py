"""What a coder's ledger shows, as plain values for the browser; what they may not see of others is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.parts.coding_place import CodingPlace
from pages.parts.sittings import duration
from study.codebook import Codebook
from study.coded_units import CodedUnit, rule_codes
from study.guids import guid
from study.staff import CONSENSUS, RULES


def coding_board(place: CodingPlace, *, unit: str | None = None) -> dict[str, Any]:
    """A session to code: its units, the person's own codes, and those of others as far as they may be seen."""
    mine = place.todo
    shown = {name: place.coded[name] for name in place.coded if name in place.seen}
    others = {name: {key: list(codes) for key, codes in one.codes.items()} for name, one in shown.items()}
    return {
        **_common(place),
        "mode": "own",
        "units": [_unit(one) for one in place.units],
        "mine": {key: list(codes) for key, codes in place.own.codes.items()},
        "memos": dict(place.own.memos),
        "settled": [],
        "locked": place.own.locked,
        "todo": None if mine is None else [one.id for one in place.units if one.id in mine],
        "blind": sorted(place.partners),
        "others": others,
        "rules": _rules(place) if RULES in place.seen else None,
        "start": unit,
    }


def differences_board(place: CodingPlace, *, unit: str | None = None) -> dict[str, Any] | None:
    """Units that two who have finished the session coded differently, to be decided; None before two have."""
    names = [name for name in place.finished if name != CONSENSUS]
    if len(names) < 2:
        return None
    agreed = place.coded.get(CONSENSUS)
    given = {name: place.coded[name].codes for name in names}
    # what a sample left out was not coded by that person: there is nothing to differ on
    coded = {name: _coded_by(place, name) for name in names}
    units = [one for one in place.units if _differs(one.id, names, given, coded)]
    return {
        **_common(place),
        "mode": "consensus",
        "units": [_unit(one) for one in units],
        "mine": {} if agreed is None else {key: list(codes) for key, codes in agreed.codes.items()},
        "memos": {},
        "settled": [] if agreed is None else sorted(agreed.settled),
        "locked": False,
        "todo": None,
        "blind": [],
        "others": {
            name: {one.id: list(given[name].get(one.id, ())) for one in units if one.id in coded[name]}
            for name in names
        },
        "rules": _rules(place) if RULES in place.seen else None,
        "start": unit,
    }


def _common(place: CodingPlace) -> dict[str, Any]:
    who = place.units[0].participant if place.units else ""
    return {
        "shelf": f"coding:{place.study}:{place.insider.staff.name}",
        "session": place.session,
        "title": who or place.session[:8],
        "me": place.insider.staff.name,
        "book": _book(place.books[-1]),
    }


def _coded_by(place: CodingPlace, name: str) -> frozenset[str]:
    drawn = [one.units[place.session] for one in place.samples if one.coder == name and place.session in one.units]
    return frozenset(key for keys in drawn for key in keys) if drawn else frozenset(one.id for one in place.units)


def _differs(
    unit: str,
    names: list[str],
    given: Mapping[str, Mapping[str, tuple[str, ...]]],
    coded: Mapping[str, frozenset[str]],
) -> bool:
    return len({frozenset(given[name].get(unit, ())) for name in names if unit in coded[name]}) > 1


def _unit(one: CodedUnit) -> dict[str, Any]:
    """What the browser needs of a unit; what is empty is left out, for all of them travel with each answer."""
    found = {
        "id": one.id,
        "kind": one.kind,
        "time": duration(round(one.seconds * 1e9)),
        "seq": one.seq,
        "task": one.task,
        "words": one.words,
        "said": one.said,
        "before": one.before,
        "after": one.after,
    }
    return {name: value for name, value in found.items() if value}


def _book(book: Codebook) -> dict[str, Any]:
    return {
        "version": book.version,
        "layers": [
            {
                "name": name,
                "codes": [
                    {
                        "id": entry.id,
                        "name": entry.name,
                        "colour": entry.colour,
                        "key": entry.shortcut,
                        "definition": entry.definition,
                        "use": entry.use_when,
                        "not": entry.not_when,
                        "example": entry.example,
                    }
                    for entry in entries
                ],
            }
            for name, entries in book.layers.items()
        ],
    }


def _rules(place: CodingPlace) -> dict[str, list[str]]:
    """The rules' codes by unit, by id; the names of those that this codebook does not have."""
    book, rig = place.books[-1], place.insider.rig
    records = rig.log.read(place.session)
    found = rig.codes.recall((place.session, len(records)), lambda: rule_codes(records))
    return {
        unit: [code if book.find(code := guid("code", name)) else name for name in names]
        for unit, names in found.items()
    }
