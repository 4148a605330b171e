"""Commands that try a study before people come: bots take part in it, and a rehearsal breaks it at every step."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from core.types import TillerError, many
from study.desk import Json
from study.settings import settings_in
from study.simulation import POLICIES
from study.terminal import emit, one_sentence, shown_progress

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from study.log import EventLog
    from study.preflight import Check

    Told = list[Check] | str | tuple[str, int, int]  # all checks at the end, why there are none, how far it is

Advance = Callable[[str, int, int], None]

StudyFile = Annotated[Path | None, typer.Option("--study", help="A study script. Default: TILLER_STUDY's.")]
_POLICIES = "; ".join(f"{name} {what}" for name, what in POLICIES.items())


def simulate(
    participants: Annotated[
        int, typer.Option("--participants", "-n", "--n", min=1, max=1000, help="How many bots.")
    ] = 8,
    study: StudyFile = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(help=f"What they do, taking turns; the first four if none is named. {_POLICIES}."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides all that their policies leave open.")] = 0,
    json_wanted: Json = False,
) -> None:
    """Have bots walk the whole study, on the real model; their mode is `bot`, and they are no data."""
    with one_sentence():
        from pages.parts.opened import desk_of
        from study.bots import take_part
        from study.database import connect
        from study.laboratory import rig_for
        from study.log import EventLog
        from study.participants import admit
        from study.script import load_script
        from study.scripts import refuse_if_frozen
        from study.simulation import Bot

        settings = settings_in(os.environ)
        path = study or settings.study
        script = load_script(path)
        bots = [Bot(seed=seed + n, policy=policy[n % len(policy)] if policy else "") for n in range(participants)]
        log = EventLog(connect(settings.database_url), files=settings.files)
        rig = rig_for(log, script, path.parent)
        refuse_if_frozen(log, script)
        log.keep_script(script)
        sessions: dict[str, int] = {}
        with shown_progress() as advance:
            for bot in bots:
                admission = admit(log, script.study.id)
                sessions[admission.session_id] = take_part(
                    log, script, admission, lambda place: desk_of(rig, place), bot
                )
                advance("participants", len(sessions), participants)
        lines = [f"{session}  {many(rows, 'row')}" for session, rows in sessions.items()]
        emit({"sessions": sessions}, "\n".join(lines), json_wanted=json_wanted)


def preflight(study: StudyFile = None, json_wanted: Json = False) -> None:
    """Rehearse a study on a record of its own: bots walk it and are killed at every step; status 1 if a check fails.

    A study is not opened to people before its script has passed as it stands; that it has is written to the record.
    """
    with one_sentence():
        from study.database import connect, has_record
        from study.desk import opened_log
        from study.log import EventLog
        from study.preflight import Check, write_passed
        from study.script import ScriptError, load_script
        from study.scripts import refuse_if_frozen
        from study.tables import checks_table

        settings = settings_in(os.environ)
        path = study or settings.study
        checks: list[Check] = []
        try:
            script = load_script(path)
        except ScriptError as error:
            script = None
            checks.append(Check("the script can be read", path.name, error.mistakes))
        if script is not None:
            checks.append(Check("the script can be read", many(len(script.study.languages), "language")))
            if has_record(settings.database_url):
                refuse_if_frozen(opened_log(), script)
            with shown_progress() as advance:
                checks += rehearse(path, advance)
        passed = all(check.passed for check in checks)
        if passed and script is not None:
            log = EventLog(connect(settings.database_url), files=settings.files)
            write_passed(log, script, len(checks))
        result = {"passed": passed, "checks": [{**asdict(check), "passed": check.passed} for check in checks]}
        emit(result, checks_table(checks), json_wanted=json_wanted)
    if not passed:
        raise typer.Exit(1)


def rehearse(path: Path, advance: Advance, log_of: type[EventLog] | None = None) -> list[Check]:
    """Every check of the script at `path`, made in a process and a folder of their own, which leave nothing behind.

    `log_of` is the class of log that is rehearsed with.

    Raises:
        TillerError: the rehearsal itself could not be held.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    with TemporaryDirectory(prefix="tiller-preflight-") as folder:
        stage = context.Process(target=_stage, args=(path, Path(folder), theirs, log_of))
        stage.start()
        theirs.close()
        try:
            while True:
                told: Told = ours.recv()
                if isinstance(told, list):
                    return told
                if isinstance(told, str):
                    raise TillerError(told)
                advance(*told)
        except EOFError as error:
            raise TillerError("The rehearsal ended without a word; run it again.") from error
        finally:
            stage.terminate()
            stage.join()


def _stage(path: Path, folder: Path, told: Connection, log_of: type[EventLog] | None) -> None:
    """The process that rehearses: it has one thread, so that each life can be a fork of it with the model in hand."""
    try:
        told.send(_rehearsed(path, folder, told, log_of))
    except KeyboardInterrupt:
        return
    except Exception as error:
        known = isinstance(error, TillerError)
        told.send(str(error) if known else f"The rehearsal broke off: {type(error).__name__}: {error}.")


def _rehearsed(path: Path, folder: Path, told: Connection, log_of: type[EventLog] | None) -> list[Check]:
    from pages.parts.opened import desk_of, open_picture
    from study.bots import take_part
    from study.database import connect
    from study.identity import Admission
    from study.laboratory import rig_for
    from study.lives import MortalLog, Notes, live_through
    from study.log import EventLog
    from study.participants import admit
    from study.preflight import Way, ways_of
    from study.reconciliation import CHECKS, Walked, reconcile
    from study.script import load_script
    from study.tone import speak

    script, notes = load_script(path), Notes(folder / "notes.jsonl")
    url = f"sqlite:///{folder / 'record.db'}"
    log = EventLog(connect(url), files=folder)
    rig = rig_for(log, script, path.parent)
    for task in script.tasks.values():
        open_picture(rig, task)

    def walk(way: Way, admission: Admission, spent: Collection[str] | None, life: int) -> None:
        mortal = MortalLog((log_of or EventLog)(connect(url), files=folder), folder, notes, spent)
        here, bot = replace(rig, log=mortal), replace(way.bot, speak=speak)
        take_part(mortal, script, admission, lambda place: desk_of(here, place), bot, slots=(way.slot,), life=life)

    def lived(way: Way, mortal: bool) -> tuple[str, int, str]:
        admission, deaths = admit(log, script.study.id), 0
        log.engine.dispose()  # a connection must not be in two processes

        def died(count: int) -> None:
            nonlocal deaths
            deaths = count
            told.send((f"deaths, {way.name}", count, max(count, moments)))

        moments = 3 * len({(line["session"], line["asked"]) for line in notes.lines("asked")} - before)
        failed = live_through(lambda spent, life: walk(way, admission, spent if mortal else None, life), notes, died)
        return admission.session_id, deaths, failed

    walked: list[Walked] = []
    ways = ways_of(script)
    for way in ways:
        before = {(line["session"], line["asked"]) for line in notes.lines("asked")}
        told.send(("ways", len(walked), len(ways)))
        first, _, failed = lived(way, mortal=False)
        log.read(first)  # what reads its events is made here, once, and not in each life that follows
        second, deaths, failed_too = ("", 0, "") if failed else lived(way, mortal=True)
        walked.append(Walked(way, first, second, deaths, failed or failed_too))
    told.send(("ways", len(ways), len(ways)))
    checks: list[Check] = []
    for check in reconcile(log, script, walked, notes, rig.run, folder / "exports"):
        checks.append(check)
        told.send(("checks", len(checks), CHECKS))
    return checks
