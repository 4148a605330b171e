"""The codes, memos and codebook versions of people as rows: one for each code that stands on a unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from study.coded_units import CodedUnit
from study.exports.column import Column, col
from study.exports.people import People
from study.happening import Cell

_PLACE: tuple[Column, ...] = (
    col("session_id", "text", "log", "The session that was coded."),
    col("participant_pseudonym", "text", "log", "The participant's name in the record.", empty="nobody's"),
    col("unit", "text", "log", "The coded unit: the event_id of an intervention or answer, or an utterance's id."),
    col("unit_kind", "text", "log", "What the unit is.", levels="intervention|utterance|answer", empty="it is gone"),
    col("unit_seq", "integer", "log", "Its row of events.csv.", empty="an utterance has none"),
    col("coder", "text", "log", "Who gave it; consensus is what coders agreed on afterwards."),
)
CODES: tuple[Column, ...] = (
    *_PLACE,
    col("codebook_version", "integer", "log", "The version it was given under; codebook.csv has all of them."),
    col("code_id", "text", "log", "The code's id, the same in every version."),
    col("code", "text", "log", "The code's name in that version."),
    col("layer", "text", "log", "The outermost group that the code lies in.", empty="it lies in none"),
    col("given_utc_ns", "integer", "log", "When: server wall clock since 1970-01-01 UTC.", unit="ns"),
    col("locked", "boolean", "log", "Whether this coder has finished this session: then no code means none fits."),
)
MEMOS: tuple[Column, ...] = (
    *_PLACE,
    col("memo", "text", "log", "The coder's own words; they may quote the participant's."),
    col("written_utc_ns", "integer", "log", "When: server wall clock since 1970-01-01 UTC.", unit="ns"),
)
CODEBOOK: tuple[Column, ...] = (
    col("study_id", "text", "log", "The study whose codebook it is."),
    col("codebook_version", "integer", "log", "The version, from 1; a version never changes."),
    col("code_id", "text", "log", "The code's id, the same in every version."),
    col("code", "text", "log", "Its name in this version."),
    col("parent_id", "text", "log", "The code or group that it lies under.", empty="none"),
    col("codable", "boolean", "log", "Whether it can be given; false for a group."),
    col("colour", "text", "log", "Its colour, #RRGGBB."),
    col("shortcut", "text", "log", "Its key on the coding page.", empty="none"),
    col("definition", "text", "log", "What it means.", empty="none was written"),
    col("use_when", "text", "log", "When to give it.", empty="none was written"),
    col("not_when", "text", "log", "When not to.", empty="none was written"),
    col("example", "text", "log", "An example.", empty="none was written"),
)


def code_rows(people: People) -> Iterator[Sequence[Cell]]:
    """A row for each code that stands, as CODES has its columns."""
    for session in people.sessions():
        units, finished = people.units(session), people.finished(session)
        books = {book.version: book for book in people.books_for(session)}
        for one in people.codes(session):
            book = books[one.codebook]
            entry = book.find(one.code)
            above = None if entry is None else book.layer(entry)
            given = (one.codebook, one.code, entry.name if entry else one.code, above.name if above else None)
            place = _place(session, one.unit, units.get(one.unit), one.coder)
            yield (*place, *given, one.utc_ns, one.coder in finished)


def memo_rows(people: People) -> Iterator[Sequence[Cell]]:
    """A row for each memo that stands, as MEMOS has its columns."""
    for session in people.sessions():
        units = people.units(session)
        for memo in people.memos(session):
            yield (*_place(session, memo.unit, units.get(memo.unit), memo.coder), memo.text, memo.utc_ns)


def codebook_rows(people: People) -> Iterator[Sequence[Cell]]:
    """A row for each code of each version, as CODEBOOK has its columns."""
    for study, books in people.books.items():
        for book in books:
            for one in book.entries:
                looks = (one.codable, one.colour, one.shortcut or None)
                words = (one.definition or None, one.use_when or None, one.not_when or None, one.example or None)
                yield (study, book.version, one.id, one.name, one.parent, *looks, *words)


def _place(session: str, unit: str, found: CodedUnit | None, coder: str) -> tuple[Cell, ...]:
    if found is None:
        return session, None, unit, None, None, coder
    return session, found.participant or None, unit, found.kind, found.seq, coder
