"""The codebook in the REFI-QDA form (.qdc): written so that other tools open it, and read from theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO
from uuid import UUID
from xml.etree import ElementTree

from core.types import TillerError
from study.coding_events import Entry
from study.exports.elements import Elements
from study.guids import guid

BOOK = "urn:QDA-XML:codebook:1.0"
_LARGEST = 4 << 20
# The format has one description for each code; what Tiller keeps apart is told apart by these words.
_PARTS = {"use_when": "Use when: ", "not_when": "Not when: ", "example": "Example: "}
_FALLBACK = "#5b6670"


def write_qdc(entries: Sequence[Entry], file: IO[bytes]) -> int:
    """Write a version of a codebook; return how many codes of it can be given."""
    xml = Elements(file)
    with xml.document("CodeBook", BOOK, origin="Tiller"):
        write_codes(xml, entries)
    return sum(entry.codable for entry in entries)


def write_codes(xml: Elements, entries: Sequence[Entry]) -> None:
    """Write the element Codes, each code within the one that it lies under."""
    below: dict[str | None, list[Entry]] = {}
    for entry in entries:
        below.setdefault(entry.parent, []).append(entry)

    def write(entry: Entry) -> None:
        codable = "true" if entry.codable else "false"
        with xml.element("Code", guid=entry.id, name=entry.name, isCodable=codable, color=entry.colour.upper()):
            xml.leaf("Description", description_of(entry))
            for child in below.get(entry.id, ()):
                write(child)

    with xml.element("Codes"):
        for entry in below.get(None, ()):
            write(entry)


def description_of(entry: Entry) -> str:
    """Definition, use and example as one text, from which `read_qdc` takes them apart again."""
    parts = [f"{words}{getattr(entry, name)}" for name, words in _PARTS.items() if getattr(entry, name)]
    return "\n".join([entry.definition, *parts] if entry.definition else parts)


def read_qdc(data: bytes, known: Sequence[Entry] = ()) -> tuple[Entry, ...]:
    """The codes in a .qdc file of any tool; shortcuts, which the format has not, are those of `known` by id or name.

    Raises:
        TillerError: it is no codebook in this form.
    """
    if len(data) > _LARGEST or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise TillerError(
            "This file was to be read as a codebook; it is larger than 4 MiB, or has a DOCTYPE, as none has."
        )
    try:
        root = ElementTree.fromstring(data)
        if _local(root) != "CodeBook":
            raise ValueError(f"its root is {_local(root)}")
        entries = tuple(entry for codes in _children(root, "Codes") for entry in _entries(codes, None))
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise TillerError(
            f"This file was to be read as a REFI-QDA codebook (.qdc), and it is none: {error}. Export one from the "
            "other tool and try again."
        ) from error
    return _with_keys(_with_names_once(entries), known)


def mapped_by_name(before: Sequence[Entry], after: Sequence[Entry]) -> dict[str, str]:
    """What codes that an import does not have become: the code of the same name, where there is one."""
    ids = {entry.id for entry in after}
    named = {entry.name.casefold(): entry.id for entry in after if entry.codable}
    return {entry.id: named.get(entry.name.casefold(), "") for entry in before if entry.id not in ids}


def _entries(element: ElementTree.Element, parent: str | None) -> Iterator[Entry]:
    for code in _children(element, "Code"):
        name, words = code.attrib["name"].strip(), "".join(one.text or "" for one in _children(code, "Description"))
        colour = code.get("color", _FALLBACK)
        entry = Entry(
            id=str(UUID(code.attrib["guid"])),
            name=name,
            colour=colour.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else _FALLBACK,
            parent=parent,
            codable=code.get("isCodable", "true") in ("true", "1"),
            **_parts(words.replace("\r\n", "\n").strip()),
        )
        yield entry
        yield from _entries(code, entry.id)


def _parts(text: str) -> Mapping[str, str]:
    """A description taken apart where a line begins with our words."""
    found: dict[str, str] = {}
    name = "definition"
    for line in text.split("\n"):
        name, rest = next(((n, line.removeprefix(w)) for n, w in _PARTS.items() if line.startswith(w)), (name, line))
        found[name] = f"{found[name]}\n{rest}" if name in found else rest
    return found


def _with_names_once(entries: Sequence[Entry]) -> list[Entry]:
    """Other tools know two codes of one name under different parents; here the parent's name tells them apart."""
    names = {entry.id: entry.name for entry in entries}
    met: set[str] = set()
    found: list[Entry] = []
    for entry in entries:
        name = entry.name
        if name.casefold() in met and entry.parent is not None:
            name = f"{names[entry.parent]}: {name}"
        met.add(name.casefold())
        found.append(replace(entry, name=name))
    return found


def _with_keys(entries: Sequence[Entry], known: Sequence[Entry]) -> tuple[Entry, ...]:
    by_id = {entry.id: entry.shortcut for entry in known}
    by_name = {entry.name.casefold(): entry.shortcut for entry in known}
    taken: set[str] = set()
    found: list[Entry] = []
    for entry in entries:
        key = by_id.get(entry.id) or by_name.get(entry.name.casefold()) or ""
        key = "" if key in taken or not entry.codable else key
        taken.add(key)
        found.append(replace(entry, shortcut=key))
    return tuple(found)


def _children(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _local(child) == tag)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def new_code_id(study: str, name: str, version: int) -> str:
    """An id for a code that is made here, which no later code of this study gets."""
    return guid("code", study, version, name)
