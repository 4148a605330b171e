"""The scripts on record: a session is read by the version that it ran under, whatever the app runs now."""

from __future__ import annotations

from sqlalchemy import select

from study.log import EventLog
from study.schema import scripts
from study.script import StudyScript, script_in


def script_of(log: EventLog, sha256: str) -> StudyScript | None:
    """The script with this digest, None where the record has none.

    Raises:
        ScriptError: this version reads it no longer.
    """
    with log.connected() as connection:
        text = connection.execute(select(scripts.c.json).where(scripts.c.script_sha256 == sha256)).scalar()
    return None if text is None else script_in(text)
