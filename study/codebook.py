"""A study's codebook: whole versions folded from its stream, each checked before it is written, none ever changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.types import TillerError
from study.coding_events import CodebookChanged, Entry
from study.log import EventLog, LogMoved
from study.records import Record
from study.streams import stream_of
from study.themes import starting_entries

KEPT_KEYS = frozenset("jkmn")  # keys that the coding page itself listens to
UNGROUPED = "no group"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_SHORTCUT = re.compile(r"[a-z0-9]")
_LONGEST = {"name": 80, "definition": 2000, "use_when": 2000, "not_when": 2000, "example": 2000}
_MOST = 500


class CodebookRefused(TillerError):
    """A version of a codebook that cannot stand; says every mistake at once."""


@dataclass(frozen=True, slots=True)
class Codebook:
    """One version, from 1; `mapping` says what became of codes of the version before that are gone."""

    version: int
    entries: tuple[Entry, ...]
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    by: str = ""
    note: str = ""

    def find(self, code: str) -> Entry | None:
        """The entry of this id, if this version has it."""
        return next((entry for entry in self.entries if entry.id == code), None)

    @property
    def codable(self) -> tuple[Entry, ...]:
        """The codes that can be given, in the codebook's order."""
        return tuple(entry for entry in self.entries if entry.codable)

    def layer(self, entry: Entry) -> Entry | None:
        """The outermost group that an entry lies in; None where it lies in none."""
        above = None
        while entry.parent is not None:
            above = entry = next(one for one in self.entries if one.id == entry.parent)
        return above

    @property
    def layers(self) -> dict[str, tuple[Entry, ...]]:
        """The codes that can be given, by the name of their outermost group."""
        found: dict[str, tuple[Entry, ...]] = {}
        for entry in self.codable:
            above = self.layer(entry)
            name = UNGROUPED if above is None else above.name
            found[name] = (*found.get(name, ()), entry)
        return found


Books = tuple[Codebook, ...]


def books_in(records: Iterable[Record]) -> Books:
    """Every version of a codebook, the present one last; before the first change, the one all studies begin with."""
    found = [
        Codebook(event.version, event.entries, event.mapping, event.by, event.note)
        for record in records
        if isinstance(event := record.event, CodebookChanged)
    ]
    return tuple(found) or (Codebook(1, starting_entries()),)


def books_of(log: EventLog, study: str) -> Books:
    """Every version of the codebook of `study`."""
    return books_in(log.read(stream_of("codebook", study)))


def version_of(books: Books, version: int | None) -> Codebook:
    """One version; the present one for None.

    Raises:
        TillerError: there is no such version.
    """
    found = next((book for book in books if book.version == version), None) if version is not None else books[-1]
    if found is None:
        raise TillerError(f"Codebook version {version} was asked for; there are 1 to {books[-1].version}: name one.")
    return found


def carried(books: Books, code: str, since: int, to: int) -> str | None:
    """What a code of version `since` is in the later version `to`; None where it was dropped on the way."""
    for book in books:
        if since < book.version <= to and book.find(code) is None:
            code = book.mapping.get(code, "")
            if not code:
                return None
    return code


def begin_codebook(log: EventLog, study: str) -> None:
    """Write the first version down, before anything refers to it; nothing where there is one."""
    stream = stream_of("codebook", study)
    if not any(isinstance(record.event, CodebookChanged) for record in log.read(stream)):
        log.append(stream, CodebookChanged(version=1, entries=starting_entries()), key="version/1", actor="system")


def change_codebook(
    log: EventLog,
    study: str,
    entries: Sequence[Entry],
    *,
    mapping: Mapping[str, str] | None = None,
    by: str,
    note: str = "",
    since: int,
) -> Codebook:
    """Write a new version and return it; where nothing differs, the present one, and nothing is written.

    Args:
        log: the record.
        study: whose codebook it is.
        entries: the whole new version.
        mapping: what codes that are gone become: the id of another one, or "" for nothing, which is also the default.
        by: who changes it.
        note: why, in a sentence.
        since: the version that was changed; one that is no longer the present one is refused.

    Raises:
        CodebookRefused: the version has mistakes, or somebody else was first.
    """
    begin_codebook(log, study)
    stream = stream_of("codebook", study)
    records = log.read(stream)
    now = books_in(records)[-1]
    if now.version != since:
        raise CodebookRefused(
            f"Version {since} of the codebook was changed here, and {now.by or 'somebody'} has made version "
            f"{now.version} meanwhile. Look at that one and make the change again."
        )
    checked = in_tree_order(entries)
    if checked == now.entries:
        return now
    kept = {entry.id for entry in checked}
    gone = {entry.id: (mapping or {}).get(entry.id, "") for entry in now.entries if entry.id not in kept}
    if mistakes := [*mistakes_in(checked), *_unmapped(gone, checked)]:
        raise CodebookRefused(" ".join(mistakes))
    event = CodebookChanged(version=now.version + 1, entries=checked, mapping=gone, by=by, note=note)
    try:
        log.append(stream, event, key=f"version/{event.version}", actor="researcher", expect=records[-1].seq)
    except LogMoved as error:
        raise CodebookRefused("Somebody else changed the codebook at this moment. Look at theirs first.") from error
    return Codebook(event.version, event.entries, event.mapping, by, note)


def in_tree_order(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Each code after the one that it lies under, those beside each other in the order given."""
    below: dict[str | None, list[Entry]] = {}
    for entry in entries:
        below.setdefault(entry.parent, []).append(entry)
    found: list[Entry] = []

    def follow(parent: str | None) -> None:
        for entry in below.pop(parent, ()):
            found.append(entry)
            follow(entry.id)

    follow(None)
    # what lies under nothing that is there, or under itself, is named as a mistake afterwards
    return (*found, *(entry for rest in below.values() for entry in rest))


def mistakes_in(entries: Sequence[Entry]) -> list[str]:
    """Everything that is wrong with a version, each in one sentence that says what to do."""
    known = {entry.id: entry for entry in entries}
    wrong: list[str] = []
    if not any(entry.codable for entry in entries) or len(entries) > _MOST:
        wrong.append(f"A codebook has 1 to {_MOST} codes; this one has {len(entries)}.")
    wrong += [f"The id {one} is there twice; ids are for one code each." for one in _twice(e.id for e in entries)]
    names = _twice(entry.name.strip().casefold() for entry in entries)
    wrong += [f"The name {one!r} is there twice; name one of them otherwise." for one in names]
    for entry in entries:
        wrong += _mistakes_of(entry, known)
    for key in _twice(entry.shortcut for entry in entries if entry.shortcut):
        both = " and ".join(entry.name for entry in entries if entry.shortcut == key)
        wrong.append(f"The key {key!r} is given to {both}; give one of them another.")
    return wrong


def _mistakes_of(entry: Entry, known: Mapping[str, Entry]) -> Iterable[str]:
    if not entry.name.strip():
        yield "A code has no name; give it one."
    for what, most in _LONGEST.items():
        if len(getattr(entry, what)) > most:
            yield f"{entry.name[:40]}: {what.replace('_', ' ')} is longer than {most} characters; shorten it."
    if not _COLOUR.fullmatch(entry.colour):
        yield f"{entry.name}: the colour {entry.colour!r} is not of the form #RRGGBB."
    if entry.shortcut and not _SHORTCUT.fullmatch(entry.shortcut):
        yield f"{entry.name}: the key {entry.shortcut!r} is not one small letter or digit."
    if entry.shortcut in KEPT_KEYS:
        yield f"{entry.name}: the key {entry.shortcut!r} moves about the page; choose another."
    if entry.parent is not None and entry.parent not in known:
        yield f"{entry.name}: the code that it is to lie under is not there."
    above, met = entry, {entry.id}
    while above.parent is not None and above.parent in known:
        above = known[above.parent]
        if above.id in met:
            yield f"{entry.name}: it lies under itself."
            return
        met.add(above.id)


def _unmapped(gone: Mapping[str, str], entries: Sequence[Entry]) -> list[str]:
    there = {entry.id for entry in entries if entry.codable}
    return [
        f"A code that is gone was to become {to}, which is no code that can be given."
        for to in gone.values()
        if to and to not in there
    ]


def _twice(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
