"""After a rehearsal the record is held against what was asked of it: every fault is a sentence of its own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import select

from core.types import TillerError, many
from study import looks
from study.drafts import idem_key
from study.exports import FORMATS, export_log
from study.lives import Notes
from study.log import EventLog
from study.preflight import Check, Way
from study.records import Record
from study.replay import Run
from study.schema import events
from study.script import StudyScript
from study.script.sequence import pages_in
from study.session_events import SessionCompleted

CHECKS = 11 + len(FORMATS)


@dataclass(frozen=True, slots=True)
class Walked:
    """A way that was walked twice: at one go, and by lives that were killed; `failed` says why one has no end."""

    way: Way
    at_one_go: str  # the sessions
    interrupted: str
    deaths: int
    failed: str = ""

    @property
    def sessions(self) -> tuple[str, str]:
        """Both."""
        return self.at_one_go, self.interrupted


def reconcile(
    log: EventLog, script: StudyScript, walked: Sequence[Walked], notes: Notes, run: Run, out: Path
) -> Iterator[Check]:
    """Every check in turn; `run` asks the model anew, `out` is a folder for exports."""
    yield _ends(walked)
    sessions = [session for one in walked if not one.failed for session in one.sessions]
    read = {session: log.read(session) for session in sessions}
    yield _acknowledged(log, notes)
    yield _asked_for(log, notes)
    yield _chains(log)
    yield _same(walked, read)
    yield _check("every stop left once, in the order of the route", read, lambda rows: looks.stops(script, rows))
    yield _check("every answer there, once", read, lambda rows: looks.answers(script, rows))
    yield _check("every questionnaire scored", read, lambda rows: looks.scores(script, rows))
    yield _check("every prediction replays bit for bit", read, lambda rows: looks.replays(rows, run))
    yield _check("every recording whole", read, lambda rows: looks.recordings(log, script, rows))
    yield codes(script, read)
    for form in FORMATS:
        yield _export(log, script, form, out)


Look = Callable[[tuple[Record, ...]], Iterator[str | int]]  # a sentence for a fault, a number for what was counted


def _check(name: str, read: Mapping[str, tuple[Record, ...]], look: Look) -> Check:
    told = [(session, one) for session, rows in read.items() for one in look(rows)]
    faults = tuple(f"Session {session[:8]}: {one}" for session, one in told if isinstance(one, str))
    return Check(name, f"{sum(one for _, one in told if isinstance(one, int)):,}", faults)


def _ends(walked: Sequence[Walked]) -> Check:
    faults = tuple(f"{one.way.name}: {one.failed}" for one in walked if one.failed)
    deaths = sum(one.deaths for one in walked)
    return Check("every way walked to its end", f"{many(len(walked), 'way')}, {deaths:,} deaths", faults)


def _acknowledged(log: EventLog, notes: Notes) -> Check:
    with log.connected() as connection:
        stand = Counter(connection.execute(select(events.c.event_id)).scalars())
    told = {row: line for line in notes.lines("given") for row in line["rows"]}
    faults = [
        f"A row of the act {line['given']} in {line['session'][:24]} was acknowledged, and it is not in the record."
        for row, line in told.items()
        if stand[row] != 1
    ]
    empty = {line["given"] for line in notes.lines("given") if not line["rows"]}
    faults += [f"The act {key} was acknowledged, and nothing was written for it." for key in sorted(empty)]
    return Check("every acknowledged row stands once", f"{len(told):,} rows", tuple(faults))


def _asked_for(log: EventLog, notes: Notes) -> Check:
    asked = {(line["session"], idem_key(line["asked"])) for line in notes.lines("asked")}
    with log.connected() as connection:
        rows = connection.execute(select(events.c.session_id, events.c.idem_key, events.c.seq, events.c.name)).all()
    strange = [row for row in rows if (row[0], str(row[1]).split("/")[0]) not in asked]
    faults = tuple(
        f"Row {seq} of {session[:24]}, {name}, stands and nobody asked for it: it was written twice or by another."
        for session, _, seq, name in strange
    )
    return Check("no row that nobody asked for", f"{len(rows):,} rows", faults)


def _chains(log: EventLog) -> Check:
    chains = [log.verify(one) for one in (*log.sessions(), *log.streams())]
    faults = tuple(f"Stream {one.session_id[:24]}, row {one.bad_seq}: {one.reason}." for one in chains if not one.whole)
    return Check("every chain whole, numbered without a gap", many(len(chains), "stream"), faults)


def _same(walked: Sequence[Walked], read: Mapping[str, tuple[Record, ...]]) -> Check:
    faults = list[str]()
    rows = 0
    for one in walked:
        if one.failed:
            continue
        there, here = (
            [_essence(row) for row in read[session] if row.name != "session.resumed"] for session in one.sessions
        )
        if _drawn_alike(read[one.at_one_go], read[one.interrupted]) and there != here:
            apart = next(n for n, pair in enumerate(zip_longest(there, here)) if pair[0] != pair[1])
            what = here[apart][0] if apart < len(here) else "nothing"
            faults.append(f"{one.way.name}: row {apart + 1} is {what} after interruptions; at one go it is another.")
        rows += len(here)
    return Check("the same rows as without interruption", f"{rows:,} rows", tuple(faults))


def _essence(row: Record) -> tuple[object, ...]:
    return row.name, row.row["target"], row.row["task_id"], row.row["after_state_id"]


def _drawn_alike(one: Sequence[Record], other: Sequence[Record]) -> bool:
    """Whether two sessions met their tasks in one order; what is random in a script follows from the session's id."""
    met = [[row.row["task_id"] for row in rows if row.name == "task.started"] for rows in (one, other)]
    return met[0] == met[1]


def codes(script: StudyScript, read: Mapping[str, tuple[Record, ...]]) -> Check:
    """That each way to end has a code of its own, where participants get codes at all."""
    codes = {name: code for name, code in script.ids.completion.model_dump().items() if code}
    if not (codes or script.ids.return_url or script.ids.pid_param):
        return Check("a code for each way to end", "none are given out")
    wanted = set(endings(script))
    met = {row.event.outcome for rows in read.values() for row in rows if isinstance(row.event, SessionCompleted)}
    faults = [
        f"A session can end as {one}, and ids.completion has no code for it." for one in sorted(wanted - {*codes})
    ]
    faults += [f"A bot ended as {one}, which no code was expected for." for one in sorted(met - wanted)]
    doubled = [code for code, times in Counter(codes.values()).items() if times > 1]
    faults += [f"Code {code} stands for several ways to end." for code in doubled]
    return Check("a code for each way to end", many(len(wanted), "way"), tuple(faults))


def endings(script: StudyScript) -> tuple[str, ...]:
    """The ways in which a session that nobody moderates can end for its participant, by the script."""
    pages = pages_in(script.sequence) if script.sequence else ()
    skipped = {skip.as_ for page in pages for skip in page.skip if skip.to == "end" and skip.as_}
    found = {"completed", *skipped}
    if any(scope.required for scope in script.consent.scopes):
        found.add("no_consent")
    remote = script.modes.remote
    if remote is not None:
        found.add("withdrawn")
        if any(page.page == "device_check" for page in pages):
            found.add("screened_out")
        if remote.max_minutes or (remote.resume_window_hours and remote.after_window == "close"):
            found.add("timed_out")
    return tuple(sorted(found))


def _export(log: EventLog, script: StudyScript, form: str, out: Path) -> Check:
    name = f"export as {form} reads back"
    try:
        files = export_log(log, out / form, form, study=script.study.id, without=())
    except TillerError as error:
        return Check(name, "", (str(error),))
    faults = list[str]()
    if form == "csv":
        with (out / form / "events.csv").open(encoding="utf-8", newline="") as file:
            handed_on = sum(1 for _ in csv.reader(file)) - 1
        if handed_on != log.count(study=script.study.id):
            faults.append(f"It has {handed_on:,} rows of {log.count(study=script.study.id):,}.")
    return Check(name, many(len(files), "file"), tuple(faults))
