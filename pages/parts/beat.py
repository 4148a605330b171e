"""The answer to a page that asks each second what is new: little, and without reading the session again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from pages.parts.overtime import close_what_is_over, countdown_of
from pages.parts.rig import Rig
from study.leases import QUIET_S, RENEWED_S, release, renew
from study.limits import Countdown, session_countdown
from study.moderator_events import ModeratorClockMarked, ModeratorNoteAdded, Presence
from study.participants import find
from study.records import Record
from study.session import session_in
from study.session_events import SystemErrored

_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Beat:
    """A session as it stood at row `seq`, as far as its page has to hear of it between two of its own acts."""

    seq: int = 0
    others: int = 0  # the last row of a moderator or the system that changes what the page shows
    paused: bool = False
    finished: bool = False
    task: Countdown | None = None
    whole: Countdown | None = None
    mark: int = 0
    note: tuple[int, str] = (0, "")


class Beats:
    """The last beat of each session in this process, and when its window was last heard of."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, str] = OrderedDict()  # by token
        self._beats: OrderedDict[str, Beat] = OrderedDict()
        self._lock = threading.Lock()

    def session_of(self, here: Rig, token: str) -> str | None:
        """The session that a token opens, looked up once."""
        known = self._sessions.get(token)
        if known is None:
            found = find(here.log, token)
            if found is None:
                return None
            known = found[0]
            self._keep(self._sessions, token, known)
        return known

    def beat_of(self, here: Rig, session_id: str, seq: int) -> Beat:
        """The beat at row `seq`, the session's last; folded anew only if it has grown."""
        known = self._beats.get(session_id)
        if known is None or known.seq != seq:
            known = _folded(here, session_id)
            self._keep(self._beats, session_id, known)
        return known

    def _keep(self, held: OrderedDict[str, Any], key: str, value: object) -> None:
        with self._lock:
            held[key] = value
            held.move_to_end(key)
            while len(held) > _KEPT:
                held.popitem(last=False)


BEATS = Beats()


def beat(here: Rig, token: str, window: str) -> dict[str, Any] | None:
    """What the page of the owner of `token` has to hear; None where the token opens nothing."""
    session_id = BEATS.session_of(here, token)
    if session_id is None:
        return None
    seq, lease = here.log.head(session_id)
    now = here.log.now()
    found = BEATS.beat_of(here, session_id, seq)
    over = [held for held in (found.task, found.whole) if held is not None and not held.left_s(now)]
    if over and not found.paused and not found.finished:
        records = here.log.read(session_id)
        close_what_is_over(here, session_id, records, session_in(records, here.script, session_id=session_id))
        found = BEATS.beat_of(here, session_id, -1)
    if lease is not None and lease[0] == window and now.utc_ns - lease[1] > RENEWED_S * 1e9:
        renew(here.log, session_id, window, now)
    return {
        "seq": found.seq,
        "others": found.others,
        "paused": found.paused,
        "finished": found.finished,
        "left_s": None if found.task is None else round(found.task.left_s(now), 1),
        "warn_s": 0.0 if found.task is None else found.task.warn_s,
        "mark": found.mark,
        "note": {"seq": found.note[0], "text": found.note[1]},
        "holder": lease is not None and lease[0] == window,
        "free": lease is None,
        "quiet": lease is not None and now.utc_ns - lease[1] > QUIET_S * 1e9,
    }


def leave_window(here: Rig, token: str, window: str) -> None:
    """Give the session back, for the window says that it goes."""
    session_id = BEATS.session_of(here, token)
    if session_id is not None:
        release(here.log, session_id, window)


def _folded(here: Rig, session_id: str) -> Beat:
    records = here.log.read(session_id)
    place = session_in(records, here.script, session_id=session_id)
    found = Beat(
        seq=records[-1].seq if records else 0,
        paused=place.paused,
        finished=place.finished,
        task=countdown_of(here, records, place),
        whole=session_countdown(records, here.script.modes.remote if place.mode == "remote" else None),
    )
    for record in records:
        found = _heard(found, record)
    return found


def _heard(found: Beat, record: Record) -> Beat:
    match record.event:
        case ModeratorClockMarked() as event:
            return replace(found, mark=event.mark)
        case ModeratorNoteAdded() as event:
            # a note for the staff alone is nothing that a page may hear of
            return replace(found, note=(record.seq, event.text)) if event.visible_to_participant else found
        case Presence() | SystemErrored():
            return found
        case _:
            other = record.row["actor"] in ("moderator", "researcher", "system")
            return replace(found, others=record.seq) if other else found
