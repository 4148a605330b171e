"""Commands over the record that need the model: run it again, or have it steered by simulated participants."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.types import TillerError
from study.desk import Json, opened_log, records_of
from study.replay import Outcome, Verdict, worst
from study.replay import replay as again
from study.settings import settings_in
from study.tables import replay_table
from study.terminal import emit, one_sentence, shown_progress

if TYPE_CHECKING:
    from pages.parts.rig import Rig


def replay(
    session: Annotated[str, typer.Option(help="The session to run again.")],
    seq: Annotated[int | None, typer.Option(help="Only the prediction that this row asked for.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="The bundle that was used. Default: TILLER_BUNDLE's.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the verdict in the log; exports name it.")] = False,
    json_wanted: Json = False,
) -> None:
    """Run every prediction of a session again and compare the logits; leaves with status 1 where one does not match."""
    with one_sentence():
        from pages.parts.again import runner
        from study.verdicts import record_verdict

        if record and seq is not None:
            raise TillerError("A verdict was to be recorded for one row; it is of a whole session: leave --seq out.")
        log = opened_log()
        records = records_of(log, session)
        run = runner(bundle or settings_in(os.environ).bundle)
        of = sum(record.name == "model.predicted" for record in records) if seq is None else 1
        outcomes: list[Outcome] = []
        with shown_progress() as advance:
            for outcome in again(records, run, only=seq):
                outcomes.append(outcome)
                advance("predictions", len(outcomes), of)
        verdict, counts = worst(outcomes)
        if record:
            record_verdict(log, records, outcomes)
        result = {"session": session, "verdict": verdict, "counts": counts, "events": [asdict(one) for one in outcomes]}
        emit(result, replay_table(outcomes, verdict), json_wanted=json_wanted)
    if verdict in (Verdict.MISMATCH, Verdict.UNRUNNABLE):
        raise typer.Exit(1)


def simulate(
    n: Annotated[int, typer.Option(min=1, max=1000, help="How many participants.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Decides their personas and choices.")] = 0,
    json_wanted: Json = False,
) -> None:
    """Have simulated participants take part in the study, on the real model; their mode is `bot`."""
    with one_sentence():
        from pages.parts.opened import desk_of
        from study.participants import admit
        from study.simulation import take_part

        rig = _rig()
        sessions: dict[str, int] = {}
        with shown_progress() as advance:
            for number in range(n):
                admission = admit(rig.log, rig.script.study.id)
                sessions[admission.session_id] = take_part(
                    rig.log, rig.script, admission, lambda place: desk_of(rig, place), seed + number
                )
                advance("participants", number + 1, n)
        lines = [f"{session}  {rows} rows" for session, rows in sessions.items()]
        emit({"sessions": sessions}, "\n".join(lines), json_wanted=json_wanted)


def _rig() -> Rig:
    """What the pages work with, composed for the command line: one thread, as in the app, so that replays agree."""
    import torch

    from core.bundle import load_bundle
    from pages.parts.again import runner
    from pages.parts.rig import Rig, task_pictures
    from study.database import connect
    from study.log import EventLog
    from study.script import load_script

    torch.set_num_threads(1)
    settings = settings_in(os.environ)
    script = load_script(settings.study)
    log = EventLog(connect(settings.database_url))
    log.keep_script(script)
    bundles = {which: load_bundle(settings.bundle, which) for which in {task.sae for task in script.tasks.values()}}
    tasks = task_pictures(settings.bundle)
    return Rig(bundles=bundles, tasks=tasks, script=script, log=log, run=runner(settings.bundle))
