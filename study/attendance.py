"""The console's side of a session, folded from its rows: who is there, who writes, what was noted, sent and asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from study.moderator_events import (
    ModeratorClockMarked,
    ModeratorJoined,
    ModeratorLeft,
    ModeratorNoteAdded,
    ModeratorPromptSent,
    ModeratorTookOver,
)
from study.prompt_events import PromptAnswered, PromptDismissed, PromptShown
from study.records import Record


@dataclass(frozen=True, slots=True)
class Note:
    """A note with its moment: the stamp's, where a key was pressed before the words were written."""

    seq: int
    utc_ns: int
    who: str
    text: str


@dataclass(slots=True)
class Attendance:
    """What the staff have done in one session so far; `present` has whoever is at a console and as what."""

    writer: str | None = None
    present: dict[str, str] = field(default_factory=dict[str, str])
    notes: dict[int, Note] = field(default_factory=dict[int, Note])  # by the row of the stamp
    asked: dict[str, bool] = field(default_factory=dict[str, bool])  # questions of the guide
    marks: int = 0
    waiting: Record | None = None  # a prompt that was sent and is not on the screen yet
    showing: Record | None = None  # a prompt that is on the participant's screen

    @property
    def observers(self) -> int:
        """How many are there who only watch."""
        return sum(role == "observer" for role in self.present.values())


def attendance_in(records: Iterable[Record]) -> Attendance:
    """What the rows say of the staff's side of the session."""
    now = Attendance()
    for record in records:
        _follow(now, record)
    return now


def _follow(now: Attendance, record: Record) -> None:
    match record.event:
        case ModeratorJoined() as event:
            now.present[event.who] = event.role
            if event.role == "moderator":
                now.writer = now.writer or event.who
        case ModeratorLeft() as event:
            now.present.pop(event.who, None)
            now.writer = None if now.writer == event.who else now.writer
        case ModeratorTookOver() as event:
            if event.before is not None and event.before in now.present:
                now.present[event.before] = "observer"
            now.writer, now.present[event.who] = event.who, "moderator"
        case ModeratorNoteAdded() as event:
            _note(now, record, event)
        case ModeratorClockMarked() as event:
            now.marks = event.mark
        case ModeratorPromptSent():
            now.waiting = record
        case PromptShown() as event:
            now.showing = record
            if event.trigger == "moderator":
                now.waiting = None
        case PromptAnswered() | PromptDismissed():
            now.showing = None
        case _:
            pass


def _note(now: Attendance, record: Record, event: ModeratorNoteAdded) -> None:
    if event.guide is not None:
        now.asked[event.guide] = event.asked
        return
    stamp = now.notes.get(event.marked_seq or 0)
    at = (record.seq, record.utc_ns) if stamp is None else (stamp.seq, stamp.utc_ns)
    now.notes[at[0]] = Note(*at, event.who, event.text)
