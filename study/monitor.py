"""How each session of a study stands at this moment: where it is, when it was last heard of, what was recorded."""

from __future__ import annotations

from dataclasses import dataclass

from study.leases import QUIET_S, lease_of
from study.limits import is_past_window
from study.log import EventLog
from study.roster import Entry
from study.script import StudyScript
from study.session import Session, session_in


@dataclass(frozen=True, slots=True)
class Standing:
    """One session that goes on; `quiet_s` is the age of its last row, `window_s` when its window was last heard of."""

    place: Session
    quiet_s: float
    window_s: float | None
    waits: bool  # past its window: whoever runs the study decides whether it goes on

    @property
    def state(self) -> str:
        """In words: paused, past its window, here, away."""
        if self.waits:
            return "past its window"
        if self.place.paused:
            return "paused"
        if self.window_s is None:
            return "window not known"
        return "here" if self.window_s < QUIET_S else "away"


def standing_of(log: EventLog, entry: Entry, script: StudyScript) -> Standing:
    """How a session stands that goes on under `script`."""
    records = log.read(entry.session)
    now = log.now()
    lease = lease_of(log, entry.session)
    place = session_in(records, script, session_id=entry.session)
    past = entry.mode != "moderated" and is_past_window(records, script.modes.remote, now)
    quiet_s = (now.utc_ns - entry.ended_ns) / 1e9
    return Standing(place, quiet_s, None if lease is None else lease.quiet_s(now), past and not place.finished)
