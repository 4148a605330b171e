"""A whole session as the replay page draws it: its rows in words on its own clock, tasks, strategy codes, speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pages.parts.names import names_for
from pages.parts.rig import Rig
from pages.parts.sound import said_in, sounds_in
from pages.parts.telling import Name, told_of
from study.records import Record
from study.roster import study_at
from study.script import ScriptError, StudyScript
from study.scripts import script_of
from study.session import Step
from study.session_events import SessionStarted
from study.strategies import DEFINITIONS, codes_of
from study.streams import RECEIPTS
from study.times import seconds_of
from study.units import units_in

_ENDS = ("task.submitted", "task.timed_out", "task.skipped")


def rows_of(rig: Rig, session_id: str) -> tuple[Record, ...]:
    """The rows of a participant's session; none of any other stream, whatever is asked for."""
    return () if ":" in session_id or session_id == RECEIPTS else rig.log.read(session_id)


def study_of(rig: Rig, session_id: str) -> str | None:
    """The study that a session belongs to, None where there is no such session."""
    return None if ":" in session_id else study_at(rig.log, session_id)


def script_for(rig: Rig, records: Sequence[Record]) -> StudyScript | None:
    """The script that a session ran under, in its participant's language; None where it cannot be had any more."""
    sha256, started = str(records[0].row["script_sha256"]), records[0].event
    script: StudyScript = rig.script
    if sha256 != script.sha256:
        try:
            (script,) = cast(
                "tuple[StudyScript]", rig.folds.recall(("script", sha256), lambda: (script_of(rig.log, sha256),))
            )
        except ScriptError:
            return None
    language = started.language if isinstance(started, SessionStarted) else ""
    return script.in_language(language) if language else script


def names_in(rig: Rig, records: Sequence[Record]) -> Name:
    """What components are called, by the dictionary that the session used; their numbers where it is another now."""
    script = script_for(rig, records)
    used = rig.folds.recall(("used", records[0].session_id, len(records)), lambda: _used(records))
    at_hand = {which: bundle for which, bundle in rig.bundles.items() if bundle.sae.digest in used}

    def name(task: str, component: int) -> str:
        known = script.tasks.get(task) if script else None
        bundle = at_hand.get(known.sae) if known else None
        if bundle is None or component >= len(bundle.index):
            return f"component {component}"
        given = names_for(rig, records, bundle).get(component)
        return f"{given.called if given else bundle.index.named(component)} (#{component})"

    return name


def _used(records: Sequence[Record]) -> frozenset[str]:
    pinned = (getattr(record.event, "pinned", None) for record in records)
    return frozenset(one.dictionary_sha256 for one in pinned if one is not None)


def tape_of(rig: Rig, session_id: str) -> dict[str, Any]:
    """The session as plain values for the browser; times are milliseconds since its first row."""
    records = rows_of(rig, session_id)
    name = names_in(rig, records)
    times = [round(1000 * second) for second in seconds_of(records)]
    row = records[0].row
    kinds = list(dict.fromkeys(record.name for record in records))
    return {
        "session": session_id,
        "participant": row["participant_pseudonym"] or session_id[:8],
        "mode": row["mode"],
        "study": row["study_id"],
        "began": records[0].at.strftime("%Y-%m-%d %H:%M UTC"),
        "erased": sum(record.event is None for record in records),
        "kinds": kinds,
        "rows": [
            [record.seq, time, kinds.index(record.name), told_of(record, name)]
            for record, time in zip(records, times, strict=True)
        ],
        "tasks": _tasks(records, times),
        "codes": [
            {"layer": code.layer, "name": code.name, "first": code.first, "last": code.last}
            for code in codes_of(units_in(records))
        ],
        "definitions": DEFINITIONS,
        "speech": said_in(rig, records),
        "sounds": sounds_in(rig, records),
    }


def _tasks(records: Sequence[Record], times: Sequence[int]) -> list[dict[str, Any]]:
    spans: dict[tuple[object, object], dict[str, Any]] = {}
    practised: dict[str, Any] | None = None
    for record, time in zip(records, times, strict=True):
        key = record.row["task_id"], record.row["attempt"]
        if record.name == "task.started":
            spans[key] = {"task": key[0], "begin": time, "end": times[-1], "first": record.seq}
            practised = spans[key] if record.row["page"] == Step.TUTORIAL else None
        elif record.name in _ENDS and key in spans:
            spans[key]["end"] = time
        elif record.name == "page.left" and practised is not None:  # practice is handed in nowhere
            practised["end"], practised = time, None
    return list(spans.values())
