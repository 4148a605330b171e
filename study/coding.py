"""Codes that people give: what stands of them is folded from each coder's own stream, and nothing else is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.types import TillerError
from study.codebook import Books, begin_codebook, books_of, carried, version_of
from study.coding_events import (
    CodeAgreed,
    CodeAssigned,
    CodeRemoved,
    CodingLocked,
    MemoWritten,
    OnUnit,
)
from study.events import Event
from study.log import EventLog, LogMoved
from study.records import Record
from study.staff import CONSENSUS, RULES
from study.streams import stream_about

LONGEST_MEMO = 4000
_TRIES = 20


class CodingRefused(TillerError):
    """A code that cannot be given; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One code that stands on one unit, as it was given."""

    unit: str
    code: str
    codebook: int
    coder: str
    utc_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """What one coder has said of one session; codes are those of one version of the codebook."""

    coder: str
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])  # by unit
    memos: Mapping[str, str] = field(default_factory=dict[str, str])
    locked: bool = False
    settled: frozenset[str] = frozenset()  # units that the consensus has decided, with codes or without


def assignments_in(records: Iterable[Record], books: Books) -> tuple[Assignment, ...]:
    """Codes that stand in one coder's stream, in the order in which they were given."""
    standing: dict[str, dict[str, Assignment]] = {}  # by unit, then by code

    def take_off(unit: str, code: str, version: int) -> None:
        held = standing.get(unit, {})
        for one in list(held.values()):
            if code in (one.code, carried(books, one.code, one.codebook, version)):
                del held[one.code]

    def give(record: Record, event: OnUnit, code: str) -> None:
        take_off(event.unit, code, event.codebook)
        standing.setdefault(event.unit, {})[code] = Assignment(
            unit=event.unit, code=code, codebook=event.codebook, coder=event.coder, utc_ns=record.utc_ns
        )

    for record in records:
        match record.event:
            case CodeAssigned() as event:
                give(record, event, event.code)
            case CodeRemoved() as event:
                take_off(event.unit, event.code, event.codebook)
            case CodeAgreed() as event:
                standing.pop(event.unit, None)
                for code in event.codes:
                    give(record, event, code)
            case _:
                pass
    given = [one for held in standing.values() for one in held.values()]
    return tuple(sorted(given, key=lambda one: one.utc_ns))


def coded_in(records: Sequence[Record], books: Books, version: int, coder: str) -> Coded:
    """One coder's state under one version: codes of earlier versions are carried to it, later ones left out."""
    of_then = [one for one in records if not isinstance(one.event, OnUnit) or one.event.codebook <= version]
    codes: dict[str, dict[str, None]] = {}
    for one in assignments_in(of_then, books):
        code = carried(books, one.code, one.codebook, version)
        if code is not None:
            codes.setdefault(one.unit, {})[code] = None
    memos: dict[str, str] = {}
    for record in records:
        if isinstance(record.event, MemoWritten):
            memos[record.event.unit] = record.event.text
    return Coded(
        coder=coder,
        codes={unit: tuple(given) for unit, given in codes.items()},
        memos={unit: text for unit, text in memos.items() if text},
        locked=any(isinstance(record.event, CodingLocked) for record in records),
        settled=frozenset(one.event.unit for one in of_then if isinstance(one.event, CodeAgreed)),
    )


def coders_by_session(log: EventLog) -> dict[str, tuple[str, ...]]:
    """Who has coded each session, in the order in which they began; the consensus is last, the rules are not named."""
    found: dict[str, list[str]] = {}
    for stream in log.streams():
        what, _, rest = stream.partition(":")
        session, _, coder = rest.partition(":")
        if what == "coding" and coder:
            found.setdefault(session, []).append(coder)
    return {session: tuple(sorted(names, key=lambda coder: coder == CONSENSUS)) for session, names in found.items()}


def coders_of(log: EventLog, session: str) -> tuple[str, ...]:
    """Who has coded one session."""
    return coders_by_session(log).get(session, ())


def coded_by(log: EventLog, session: str, coder: str, books: Books, version: int) -> Coded:
    """What `coder` has said of `session`."""
    return coded_in(log.read(stream_about("coding", session, coder)), books, version, coder)


class Coder:
    """One person, or the consensus, at work on one session; each act is written once however often it is sent."""

    def __init__(self, log: EventLog, study: str, session: str, name: str, units: Iterable[str], by: str = "") -> None:
        """`units` are the ids that may be coded here; `by` is who writes for the consensus."""
        if name == RULES:
            raise CodingRefused("The rules code by themselves; sign in under a name of your own.")
        self._log, self._study, self._session, self.name, self._by = log, study, session, name, by
        self._units = frozenset(units)
        self._stream = stream_about("coding", session, name)

    def assign(self, unit: str, code: str, *, version: int, key: str) -> None:
        """Give a code to a unit; where it stands already, nothing is written."""
        self._check(unit, version, [code])
        event = CodeAssigned(unit=unit, code=code, coder=self.name, codebook=version)
        self._write(key, lambda now: None if code in now.codes.get(unit, ()) else event, version)

    def remove(self, unit: str, code: str, *, version: int, key: str) -> None:
        """Take a code off a unit; where it does not stand, nothing is written."""
        self._check(unit, version, [code])
        event = CodeRemoved(unit=unit, code=code, coder=self.name, codebook=version)
        self._write(key, lambda now: event if code in now.codes.get(unit, ()) else None, version)

    def note(self, unit: str, text: str, *, version: int, key: str) -> None:
        """Write the memo of a unit anew; empty takes it away."""
        self._check(unit, version, [])
        if len(text) > LONGEST_MEMO:
            raise CodingRefused(f"A memo of {len(text)} characters was written; {LONGEST_MEMO} fit. Shorten it.")
        event = MemoWritten(unit=unit, text=text, coder=self.name, codebook=version)
        self._write(key, lambda now: None if now.memos.get(unit, "") == text else event, version)

    def agree(self, unit: str, codes: Sequence[str], *, version: int, key: str) -> None:
        """Write down all codes that a unit has by consensus."""
        if self.name != CONSENSUS or not self._by:
            raise CodingRefused("Only the consensus agrees; open the differences and decide there.")
        self._check(unit, version, codes)
        wanted = tuple(dict.fromkeys(codes))
        event = CodeAgreed(unit=unit, codes=wanted, coder=self.name, by=self._by, codebook=version)

        def decided(now: Coded) -> Event | None:
            same = unit in now.settled and set(now.codes.get(unit, ())) == set(wanted)
            return None if same else event

        self._write(key, decided, version)

    def lock(self, *, version: int, key: str) -> None:
        """Say that this session is coded: from now on nothing of this coder changes in it."""
        event = CodingLocked(session=self._session, coder=self.name, codebook=version)
        self._write(key, lambda now: None if now.locked else event, version, locking=True)

    def _check(self, unit: str, version: int, codes: Sequence[str]) -> None:
        book = version_of(books_of(self._log, self._study), version)
        if unit not in self._units:
            raise CodingRefused("This unit is not among those that you are to code; nothing was changed.")
        for code in codes:
            entry = book.find(code)
            if entry is None or not entry.codable:
                raise CodingRefused(f"A code was chosen that version {version} of the codebook does not have.")

    def _write(self, key: str, decide: Callable[[Coded], Event | None], version: int, *, locking: bool = False) -> None:
        begun = self._log.read(self._session)
        if not begun or begun[0].event is None:
            raise CodingRefused("This session was erased, or there is none of that name; it takes no codes.")
        begin_codebook(self._log, self._study)
        books = books_of(self._log, self._study)
        for _ in range(_TRIES):
            if self._log.acted(self._stream, key):
                return
            records = self._log.read(self._stream)
            now = coded_in(records, books, max(version, 1), self.name)
            if now.locked and not locking:
                raise CodingRefused(
                    "You have finished this session, and its codes stand; talk differences over instead."
                )
            event = decide(now)
            if event is None:
                return
            try:
                self._log.append(self._stream, event, key=key, actor="researcher", expect=len(records))
            except LogMoved:
                continue  # another window of the same coder was first: decide anew
            return
        raise LogMoved("Other windows of yours write without a pause; the code is sent again.")
