"""A study of two participants with things to code, and hands that code them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from study.acts import Act
from study.bench import Bench
from study.codebook import books_of
from study.coded_units import CodedUnit, coded_units
from study.coding import Coded, Coder, coded_by
from study.guids import guid
from study.interventions import perform
from study.log import EventLog
from study.session_events import SessionStarted
from study.task_events import ResponseSubmitted

STUDY = "demo"
_keys = count(1)


def code(name: str) -> str:
    """The id of a code that every codebook begins with."""
    return guid("code", name)


def fill(log: EventLog, bench: Bench, act: Callable[..., Act], sessions: Sequence[str] = ("5e1", "5e2")) -> None:
    """Sessions of three settings, an undo and an answer each."""
    for number, session in enumerate(sessions, start=1):
        start = SessionStarted(study=STUDY, study_version="1", script_sha256="5c", participant=f"P0{number}")
        log.append(session, start, key="start")
        for step in (act("edit", 1, 0.5), act("edit", 1, 0.2), act("edit", 2, 2), act("undo")):
            perform(log, session, step, bench)
        log.append(session, ResponseSubmitted(task="word", item="cause", text="=SUM(the \U0001f9ed badge)"), key="a")


def units(log: EventLog, session: str) -> tuple[CodedUnit, ...]:
    return coded_units(log.read(session))


class Hand:
    """One coder at one session; units are named by their place, codes by their names."""

    def __init__(self, log: EventLog, name: str, session: str = "5e1", *, by: str = "") -> None:
        self.log, self.session, self.name = log, session, name
        self.units = [unit.id for unit in units(log, session)]
        self.coder = Coder(log, STUDY, session, name, self.units, by)

    @property
    def version(self) -> int:
        return books_of(self.log, STUDY)[-1].version

    def give(self, unit: int, name: str, key: str = "") -> Hand:
        self.coder.assign(self.units[unit], code(name), version=self.version, key=key or f"act-{next(_keys)}")
        return self

    def take(self, unit: int, name: str, key: str = "") -> Hand:
        self.coder.remove(self.units[unit], code(name), version=self.version, key=key or f"act-{next(_keys)}")
        return self

    def note(self, unit: int, text: str) -> Hand:
        self.coder.note(self.units[unit], text, version=self.version, key=f"act-{next(_keys)}")
        return self

    def lock(self) -> Hand:
        self.coder.lock(version=self.version, key=f"act-{next(_keys)}")
        return self

    @property
    def state(self) -> Coded:
        return coded_by(self.log, self.session, self.name, books_of(self.log, STUDY), self.version)

    @property
    def given(self) -> dict[int, set[str]]:
        names = {entry.id: entry.name for entry in books_of(self.log, STUDY)[-1].entries}
        return {self.units.index(unit): {names[one] for one in codes} for unit, codes in self.state.codes.items()}

    @property
    def rows(self) -> int:
        return len(self.log.read(f"coding:{self.session}:{self.name}"))
