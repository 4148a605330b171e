"""The scripts on record: a session is read by the version that it ran under, whatever the app runs now."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import and_, func, select

from core.types import TillerError
from study.log import EventLog
from study.schema import events, scripts
from study.script import ScriptError, StudyScript, script_in


def script_of(log: EventLog, sha256: str) -> StudyScript | None:
    """The script with this digest, None where the record has none.

    Raises:
        ScriptError: this version reads it no longer.
    """
    with log.connected() as connection:
        text = connection.execute(select(scripts.c.json).where(scripts.c.script_sha256 == sha256)).scalar()
    return None if text is None else script_in(text)


def refuse_if_frozen(log: EventLog, script: StudyScript) -> None:
    """Refuse a script that says something else under a version that people have taken part in.

    Raises:
        TillerError: with the version to raise.
    """
    data = and_(events.c.seq == 1, events.c.study_id == script.study.id, events.c.mode.in_(("moderated", "remote")))
    ran = events.c.script_sha256 == scripts.c.script_sha256
    query = select(scripts.c.script_sha256, func.count()).join(events, ran)
    query = query.where(data, scripts.c.version == script.study.version, scripts.c.script_sha256 != script.sha256)
    with log.connected() as connection:
        found = connection.execute(query.group_by(scripts.c.script_sha256)).first()
    if found is not None:
        people = f"{found[1]} session{'s' if found[1] != 1 else ''}"
        raise TillerError(
            f"Version {script.study.version} of study {script.study.id} was changed, and {people} ran under what it "
            "said before: raise study.version, or bring the old text back."
        )


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
