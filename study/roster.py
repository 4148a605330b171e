"""The sessions of a study at a glance: who, how far, how much was done; asked of the tables, with no session read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, distinct, func, select

from study.log import EventLog
from study.queries import FIRST
from study.schema import erasures, events
from study.session import Step
from study.streams import is_session
from study.system_events import SystemReplayVerified
from study.verdicts import verdicts_of

INTERVENTIONS = (
    "intervention.applied",
    "intervention.undone",
    "intervention.redone",
    "intervention.reset",
    "intervention.muted",
    "intervention.unmuted",
    "intervention.recalled",
    "intervention.compared",
)
# withdrawing may follow any other end, and is the greatest of these words
_ENDINGS = {
    "session.completed": "completed",
    "session.withdrawn": "withdrawn",
    "session.timed_out": "timed out",
    "session.rejected": "rejected",
}
# reading a task, at a questionnaire, at any page between two tasks: which of them only the script can tell
BETWEEN = "between tasks"

_NAME, _MINE = events.c.name, events.c.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One session in the list; `state` is where it is while it goes on, else how it ended.
    `erase_asked`: they withdrew and asked for the record to be erased. `started_ns` and `ended_ns` are the server's
    wall clock at the first and last row, `tasks` counts those handed in, `interventions` what was done outside of
    practice; `verdict` is that of the last replay on
    record, which ran the first `verdict_rows` rows, "" where there is none.
    """

    session: str
    participant: str
    mode: str
    script_sha256: str
    state: str
    erased: bool
    erase_asked: bool
    rows: int
    started_ns: int
    ended_ns: int
    interventions: int
    tasks: int
    verdict: str = ""
    verdict_rows: int = 0

    @property
    def going_on(self) -> bool:
        """Whether more rows may come."""
        return self.state in {Step.CONSENT, BETWEEN, Step.WORKSPACE, Step.ANSWER}


def roster(log: EventLog, study: str) -> tuple[Entry, ...]:
    """Every session of `study`, the last begun first."""
    with log.connected() as connection:
        found = connection.execute(_SESSIONS, {"study": study}).mappings().all()
        erased = set(connection.execute(select(erasures.c.session_id)).scalars())
    verdicts = verdicts_of(log, (row["session"] for row in found))
    listed = [_entry(row, row["session"] in erased, verdicts.get(row["session"])) for row in found]
    return tuple(sorted(listed, key=lambda entry: (-entry.started_ns, entry.session)))


def study_at(log: EventLog, session_id: str) -> str | None:
    """The study of one session, None where there is no such session."""
    first = select(events.c.study_id).where(_MINE.in_((session_id,)), events.c.seq == 1, is_session())
    with log.connected() as connection:
        return connection.execute(first).scalar()


def _entry(row: Mapping[Any, Any], erased: bool, verdict: SystemReplayVerified | None) -> Entry:
    return Entry(
        session=row["session"],
        participant=row["participant"] or "",
        mode=row["mode"] or "",
        script_sha256=row["script"] or "",
        state=_state(row),
        erased=erased,
        erase_asked=bool(row["erase_asked"]),
        rows=row["rows"],
        started_ns=row["started"],
        ended_ns=row["ended"],
        interventions=row["interventions"],
        tasks=row["submitted"],
        verdict=verdict.verdict if verdict else "",
        verdict_rows=verdict.rows if verdict else 0,
    )


def _state(row: Mapping[Any, Any]) -> str:
    if row["ending"]:
        # who ends without having met a task has not consented; the outcome itself may be erased
        return "no consent" if row["ending"] == "completed" and not row["opened"] else str(row["ending"])
    if not row["consents"]:
        return Step.CONSENT
    if row["opened"] == row["closed"]:
        return BETWEEN
    return Step.ANSWER if row["to_answer"] > max(row["to_workspace"], row["to_task"]) else Step.WORKSPACE


def _last(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.max(case((condition, events.c.seq))), 0)


def _times(*names: str) -> ColumnElement[int]:
    return func.count(case((_NAME.in_(names), 1)))


def _not_practised(*names: str) -> ColumnElement[bool]:
    # what is done in a tutorial is practice, and its task is no task of the study
    return _NAME.in_(names) & (func.coalesce(events.c.page, "") != Step.TUTORIAL.value)


def _tasks(*names: str) -> ColumnElement[int]:
    return func.count(distinct(case((_not_practised(*names), events.c.task_id))))


def _entered(step: Step) -> ColumnElement[int]:
    return _last((_NAME == "page.entered") & (events.c.target == step.value))


_SESSIONS = (
    select(
        _MINE.label("session"),
        func.max(events.c.participant_pseudonym).label("participant"),
        func.max(events.c.mode).label("mode"),
        func.max(events.c.script_sha256).label("script"),
        func.count().label("rows"),
        func.min(events.c.srv_utc_ns).label("started"),
        func.max(events.c.srv_utc_ns).label("ended"),
        func.max(case(_ENDINGS, value=_NAME)).label("ending"),
        func.count(case(((_NAME == "session.withdrawn") & (events.c.target == "erase"), 1))).label("erase_asked"),
        func.count(case((_not_practised(*INTERVENTIONS), 1))).label("interventions"),
        _times("consent.given", "consent.refused").label("consents"),
        _tasks("task.started").label("opened"),
        _tasks("task.submitted").label("submitted"),
        _tasks("task.submitted", "task.timed_out", "task.skipped").label("closed"),
        _last(_NAME == "task.started").label("to_task"),
        _entered(Step.ANSWER).label("to_answer"),
        _entered(Step.WORKSPACE).label("to_workspace"),
    )
    .where(_MINE.in_(FIRST.with_only_columns(_MINE).where(events.c.study_id == bindparam("study"), is_session())))
    .group_by(_MINE)
)
