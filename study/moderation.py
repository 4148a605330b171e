"""What a moderator does in a session: each act is decided from the rows that stand and written among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from study.acts import ActRefused
from study.attendance import Attendance, attendance_in
from study.events import Event
from study.limits import task_countdown
from study.log import EventLog, LogMoved
from study.moderator_acts import (
    Extend,
    GoOn,
    Join,
    Leave,
    MarkClock,
    ModeratorAct,
    Pause,
    Send,
    SkipTask,
    Stamp,
    TakeOver,
    Tick,
    WriteNote,
    control_of,
)
from study.moderator_events import (
    ModeratorClockMarked,
    ModeratorJoined,
    ModeratorLeft,
    ModeratorNoteAdded,
    ModeratorPromptSent,
    ModeratorTookOver,
)
from study.records import Record
from study.script import StudyScript
from study.script.setting import Moderated
from study.session import Session, Step, ended, session_in
from study.session_events import SessionPaused, SessionResumed
from study.task_events import TaskExtended, TaskSkipped
from study.times import since

_TRIES = 8  # the participant goes on writing meanwhile
Control = Stamp | WriteNote | Tick | Send | Extend | SkipTask | Pause | GoOn | MarkClock
_AT_TASK = (Step.BRIEFING, Step.WORKSPACE, Step.ANSWER)


@dataclass(frozen=True, slots=True)
class Moderator:
    """Somebody at a console: what the record calls them, and whether their role may ever write."""

    who: str
    may_write: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """A session as a moderator's act finds it."""

    log: EventLog
    script: StudyScript
    records: tuple[Record, ...]
    place: Session
    staff: Attendance

    @property
    def rules(self) -> Moderated:
        """What the script says of moderated sessions."""
        return self.script.modes.moderated or Moderated()


def sight_of(log: EventLog, script: StudyScript, session_id: str) -> Sight:
    """The session as it stands now."""
    records = log.read(session_id)
    place = session_in(records, script, session_id=session_id)
    return Sight(log, script, records, place, attendance_in(records))


def moderate(log: EventLog, script: StudyScript, session_id: str, me: Moderator, act: ModeratorAct) -> int:
    """Do one act in a session, once however often it is sent; the row that it wrote, 0 where nothing had to be.

    Raises:
        ActRefused: it cannot be done now; the sentence says why.
        LogUnavailable: nothing was written; the same act may be sent again.
    """
    key = f"moderator/{act.id}"
    for _ in range(_TRIES):
        stand = log.acted(session_id, key)
        if stand:
            return stand[0].seq
        sight = sight_of(log, script, session_id)
        happened = _decided(sight, me, act)
        if not happened:
            return 0
        try:
            page = sight.place.step
            wrote = log.append(session_id, *happened, key=key, actor="moderator", page=page, expect=sight.place.seq)
            return wrote[0].seq
        except LogMoved:
            continue
    raise ActRefused("The participant was faster each time; nothing was done. Try once more.")


def _decided(sight: Sight, me: Moderator, act: ModeratorAct) -> tuple[Event, ...]:
    if not sight.records or sight.place.finished:
        raise ActRefused("This session is over; nothing more is written in it.")
    if isinstance(act, Join):
        return _joined(sight, me)
    if isinstance(act, Leave):
        role = sight.staff.present.get(me.who)
        return () if role is None else (ModeratorLeft(who=me.who, role=role),)
    if not me.may_write:
        raise ActRefused("An observer watches and writes nothing.")
    if isinstance(act, TakeOver):
        return () if sight.staff.writer == me.who else (ModeratorTookOver(who=me.who, before=sight.staff.writer),)
    if sight.staff.writer != me.who:
        whom = f"{sight.staff.writer} writes" if sight.staff.writer else "Nobody writes"
        raise ActRefused(f"{whom} in this session at the moment; take over first.")
    control = control_of(act)
    if control not in sight.rules.controls:
        raise ActRefused(f"The study's script gives moderators no control {control}.")
    return _done(sight, me, act)


def _joined(sight: Sight, me: Moderator) -> tuple[Event, ...]:
    if me.who in sight.staff.present:
        return ()
    if me.may_write and sight.staff.writer is None:
        return (ModeratorJoined(who=me.who, role="moderator"),)
    if sight.staff.observers >= sight.rules.observers:
        raise ActRefused(
            f"{sight.rules.observers} observers are the most that the script allows, and they are there already."
        )
    return (ModeratorJoined(who=me.who, role="observer"),)


def _done(sight: Sight, me: Moderator, act: Control) -> tuple[Event, ...]:
    match act:
        case Stamp() | WriteNote() | Tick():
            found = _noted(sight, me, act)
            return () if found is None else (found,)
        case Send():
            return (ModeratorPromptSent(who=me.who, text=_wording(sight, act), prompt=act.prompt),)
        case Extend() | SkipTask():
            return _changed(sight, act)
        case Pause() | GoOn() | MarkClock():
            found = _timed(sight, me, act)
            return () if found is None else (found,)
        case _:
            assert_never(act)


def _noted(sight: Sight, me: Moderator, act: Stamp | WriteNote | Tick) -> Event | None:
    if isinstance(act, Tick):
        if act.guide not in {one.id for one in sight.script.guide}:
            raise ActRefused(f"The guide has no question {act.guide}.")
        changes = sight.staff.asked.get(act.guide, False) != act.asked
        return ModeratorNoteAdded(who=me.who, text="", guide=act.guide, asked=act.asked) if changes else None
    text = act.text if isinstance(act, WriteNote) else ""
    stamp = sight.staff.notes.get(act.stamp or 0) if isinstance(act, WriteNote) else None
    if stamp is None:
        return ModeratorNoteAdded(who=me.who, text=text)
    return ModeratorNoteAdded(who=me.who, text=text, marked_seq=stamp.seq, marked_ms=stamp.utc_ns / 1e6)


def _changed(sight: Sight, act: Extend | SkipTask) -> tuple[Event, ...]:
    if sight.place.task is None or sight.place.step not in _AT_TASK:
        raise ActRefused("The participant is not at a task now.")
    task, attempt = sight.place.task, sight.place.attempt
    if isinstance(act, SkipTask):
        return ended(sight.records, sight.script, TaskSkipped(task=task, attempt=attempt, reason=act.reason))
    left = left_s(sight)
    if left is None:
        raise ActRefused("There is no time limit running here that could be extended.")
    return (TaskExtended(task=task, attempt=attempt, minutes=act.minutes, remaining_ms=1000 * left),)


def _timed(sight: Sight, me: Moderator, act: Pause | GoOn | MarkClock) -> Event | None:
    if isinstance(act, MarkClock):
        return ModeratorClockMarked(who=me.who, mark=sight.staff.marks + 1)
    if isinstance(act, Pause):
        return None if sight.place.paused else SessionPaused(reason="moderator")
    if not sight.place.paused:
        return None
    return SessionResumed(gap_s=since(sight.records[-1], sight.log.now()), ends_pause=True)


def _wording(sight: Sight, act: Send) -> str:
    if act.prompt is None:
        if not act.text:
            raise ActRefused("Write what to ask, or choose a prompt of the script.")
        return act.text
    prompts = sight.script.think_aloud.prompts if sight.script.think_aloud else ()
    found = next((one for one in prompts if one.id == act.prompt), None)
    if found is None:
        raise ActRefused(f"The script has no prompt {act.prompt}.")
    return found.text


def left_s(sight: Sight) -> float | None:
    """Seconds that the present task has left; None where no limit runs."""
    task, now = sight.place.task, sight.log.now()
    if task is None:
        return None
    countdown = task_countdown(sight.records, sight.script.tasks[task].limits, task, sight.place.attempt)
    return None if countdown is None else countdown.left_s(now)
