"""Commands over the record that may need the model: run it again, measure what came of it, have it steered."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markdown import Markdown

from core.types import TillerError
from study.desk import Also, Json, left_out, opened_log, records_of
from study.replay import Outcome, Verdict, worst
from study.replay import replay as again
from study.settings import settings_in
from study.tables import replay_table
from study.terminal import emit, one_sentence, shown_progress

if TYPE_CHECKING:
    from pages.parts.rig import Rig
    from study.findings import Findings
    from study.log import EventLog


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


Measure = Annotated[bool, typer.Option("--measure", help="Run each plan that was handed in on held-out pictures.")]
Out = Annotated[Path | None, typer.Option(help="A Markdown file to write; the screen if none is named.")]
OfStudy = Annotated[str, typer.Option(help="The study, by the id in its script.")]


def report(
    study: OfStudy, out: Out = None, measure: Measure = False, also: Also = None, json_wanted: Json = False
) -> None:
    """The findings of a study: what was tried, how soon it worked, what else it did; from the log, with intervals."""
    with one_sentence():
        from study.markdown import report_in_words

        found = _found(opened_log(), study, left_out(also), measure=measure).plain()
        _written({"study": study, **found}, report_in_words(study, found), out, json_wanted=json_wanted)


def card(
    study: OfStudy, out: Out = None, measure: Measure = False, also: Also = None, json_wanted: Json = False
) -> None:
    """The study card: goal, tasks, data, method, risks and consent, from the script and the log; else N/A."""
    with one_sentence():
        from study.card import card_in_words
        from study.card.facts import card_of, facts_of

        log, without = opened_log(), left_out(also)
        made = card_of(facts_of(log, study, _found(log, study, without, measure=measure), without=without))
        _written(made.plain(), card_in_words(made), out, json_wanted=json_wanted)


def _found(log: EventLog, study: str, without: tuple[str, ...], *, measure: bool) -> Findings:
    """The findings of a study that somebody took part in."""
    from study.findings import findings_of, portraits

    people = list(portraits(log, study, without))
    if not any(people):
        raise TillerError(f"Study {study!r} was asked for; the log has nobody who took part in it.")
    if not measure:
        return findings_of(people)
    from pages.parts.held_out import measured

    with shown_progress() as advance:
        known = [one for one in people if one]
        return findings_of(people, measured(_rig(log), known, lambda done, of: advance("plans", done, of)))


def _written(result: dict[str, Any], words: str, out: Path | None, *, json_wanted: bool) -> None:
    """Write the Markdown to `out` if it is named, and print the result."""
    if out is not None:
        out.write_text(words, encoding="utf-8")
    emit(result, str(out) if out is not None else Markdown(words), json_wanted=json_wanted)


def simulate(
    n: Annotated[int, typer.Option(min=1, max=1000, help="How many participants.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Decides their personas and choices.")] = 0,
    json_wanted: Json = False,
) -> None:
    """Have simulated participants take part in the study, on the real model; their mode is `bot`."""
    with one_sentence():
        from pages.parts.opened import desk_of
        from study.database import connect
        from study.log import EventLog
        from study.participants import admit
        from study.scripts import refuse_if_frozen
        from study.simulation import take_part

        settings = settings_in(os.environ)
        log = EventLog(connect(settings.database_url), files=settings.files)
        rig = _rig(log)
        refuse_if_frozen(log, rig.script)
        log.keep_script(rig.script)
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


def _rig(log: EventLog) -> Rig:
    """What the pages work with, composed for the command line: one thread, as in the app, so that replays agree."""
    import torch

    from core.bundle import load_bundle
    from pages.parts.again import runner
    from pages.parts.rig import Rig, task_pictures
    from study.script import load_script

    torch.set_num_threads(1)
    settings = settings_in(os.environ)
    script = load_script(settings.study)
    bundles = {which: load_bundle(settings.bundle, which) for which in {task.sae for task in script.tasks.values()}}
    tasks = task_pictures(settings.bundle)
    return Rig(bundles=bundles, tasks=tasks, script=script, log=log, run=runner(settings.bundle))
