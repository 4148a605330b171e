"""The scripts on record: a session is read by the version that it ran under, whatever the app runs now."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select

from study.log import EventLog
from study.schema import scripts
from study.script import ScriptError, StudyScript, script_in


def script_of(log: EventLog, sha256: str) -> StudyScript | None:
    """The script with this digest, None where the record has none.

    Raises:
        ScriptError: this version reads it no longer.
    """
    with log.connected() as connection:
        text = connection.execute(select(scripts.c.json).where(scripts.c.script_sha256 == sha256)).scalar()
    return None if text is None else script_in(text)


def scripts_of(log: EventLog, study: str) -> tuple[StudyScript, ...]:
    """Every script of a study that was kept and that this version still reads, the last kept last."""
    query = select(scripts.c.json).where(scripts.c.study_id == study).order_by(scripts.c.stored_utc_ns)
    with log.connected() as connection:
        kept = connection.execute(query).scalars().all()
    found: list[StudyScript] = []
    for text in kept:
        with suppress(ScriptError):
            found.append(script_in(text))
    return tuple(found)
