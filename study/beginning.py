"""A session begins: its first row says study, mode and language, and the slot that is emptiest at that moment."""

from __future__ import annotations

from dataclasses import replace

from study.assignment import assign
from study.identity import Admission
from study.log import EventLog
from study.records import Record
from study.route import Step, factors_of
from study.script import StudyScript
from study.script.sequence import Phases
from study.session_events import SessionStarted
from study.slots import Slot, mixed, slots
from study.state import digest


def design_of(script: StudyScript) -> tuple[Slot, ...]:
    """The slots of a script's factors in the order in which they are to fill."""
    listed = slots(factors_of(script))
    blocks = script.sequence.blocks if script.sequence else ()
    permuted = any(isinstance(block, Phases) and block.draw.permute for block in blocks)
    return mixed(listed, script.study.seed) if permuted else listed


def window_of(script: StudyScript) -> float | None:
    """How many hours after its last row a remote session may be taken up again; for ever if None."""
    return script.modes.remote.resume_window_hours if script.modes.remote else None


def begin_session(
    log: EventLog, script: StudyScript, place: Admission, *, mode: str, language: str = ""
) -> tuple[Record, ...]:
    """Write the first row of a session that has none; one that has begun is left as it is.

    Raises:
        LogUnavailable: nothing was written; the same call may be made again.
    """
    stand = log.read(place.session_id)
    if stand:
        return stand[:1]
    started = SessionStarted(
        study=script.study.id,
        study_version=script.study.version,
        script_sha256=script.sha256,
        participant=place.pseudonym,
        mode=mode,
        language=language,
        seed=int(digest(f"{script.study.seed}/{place.session_id}")[:12], 16),
    )
    return assign(
        log,
        place.session_id,
        started,
        design_of(script),
        window_hours=window_of(script),
        put=_put,
        page=Step.WELCOME,
    )


def _put(started: SessionStarted, slot: Slot) -> SessionStarted:
    return replace(started, slot=slot.number, levels=dict(slot.levels))
