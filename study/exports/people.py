"""What people have coded in the sessions of an export: their codes, their memos and the codebooks they used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from study.codebook import Books, books_of
from study.coded_units import CodedUnit, session_units
from study.coding import Assignment, assignments_in, coders_by_session
from study.coding_events import CodingLocked, Entry, MemoWritten
from study.guids import guid
from study.log import EventLog
from study.records import Record
from study.streams import stream_about
from study.themes import starting_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """A coder's note on one unit as it stands."""

    unit: str
    coder: str
    text: str
    utc_ns: int

    @property
    def id(self) -> str:
        """Its id in every export."""
        return guid("memo", self.unit, self.coder)


class People:
    """The coders of some studies' sessions, read a session at a time."""

    def __init__(self, log: EventLog, studies: Mapping[str, Iterable[str]]) -> None:
        self._log = log
        self.books: dict[str, Books] = {study: books_of(log, study) for study in studies}
        self._study = {session: study for study, sessions in studies.items() for session in sessions}
        self._coders = {key: coders for key, coders in coders_by_session(log).items() if key in self._study}

    @property
    def versions(self) -> dict[str, int]:
        """The present version of each study's codebook."""
        return {study: books[-1].version for study, books in self.books.items()}

    @property
    def coders(self) -> tuple[str, ...]:
        """Everybody who has coded one of the sessions, by name."""
        return tuple(sorted({coder for coders in self._coders.values() for coder in coders}))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every code of every version, as the last version that has it says; the rules' codes are always among them."""
        found: dict[str, Entry] = {}
        for books in self.books.values():
            for book in reversed(books):
                for entry in book.entries:
                    found.setdefault(entry.id, entry)
        for entry in starting_entries():
            found.setdefault(entry.id, entry)
        return tuple(found.values())

    def sessions(self) -> Iterator[str]:
        """The sessions that somebody has coded."""
        return iter(self._coders)

    def books_for(self, session: str) -> Books:
        """The versions of the codebook that a session is coded with."""
        return self.books[self._study[session]]

    def units(self, session: str) -> dict[str, CodedUnit]:
        """What was coded in a session, by id."""
        return {unit.id: unit for unit in session_units(self._log, session)}

    def codes(self, session: str) -> tuple[Assignment, ...]:
        """The codes that stand on a session's units, each as it was given."""
        return tuple(
            one
            for coder in self._coders.get(session, ())
            for one in assignments_in(self._rows(session, coder), self.books_for(session))
        )

    def memos(self, session: str) -> tuple[Memo, ...]:
        """The memos that stand on a session's units."""
        standing: dict[tuple[str, str], Memo] = {}
        for coder in self._coders.get(session, ()):
            for record in self._rows(session, coder):
                if isinstance(event := record.event, MemoWritten):
                    memo = Memo(unit=event.unit, coder=coder, text=event.text, utc_ns=record.utc_ns)
                    standing[event.unit, coder] = memo
        return tuple(memo for memo in standing.values() if memo.text)

    def finished(self, session: str) -> frozenset[str]:
        """Who has locked a session."""
        return frozenset(
            coder
            for coder in self._coders.get(session, ())
            if any(isinstance(record.event, CodingLocked) for record in self._rows(session, coder))
        )

    def _rows(self, session: str, coder: str) -> Sequence[Record]:
        return self._log.read(stream_about("coding", session, coder))
