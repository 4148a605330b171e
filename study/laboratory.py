"""Commands over the record that may need the model: run it again, measure what came of it, check a script."""

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
    from core.bundle import Bundle
    from core.task_pictures import TaskPicture
    from pages.parts.rig import Rig
    from study.findings import Findings
    from study.log import EventLog
    from study.script import StudyScript


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
        from pages.parts.pictures import pictures_beside
        from study.verdicts import record_verdict

        if record and seq is not None:
            raise TillerError("A verdict was to be recorded for one row; it is of a whole session: leave --seq out.")
        log = opened_log()
        records = records_of(log, session)
        settings = settings_in(os.environ)
        run = runner(bundle or settings.bundle, pictures_beside(settings.study.parent))
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
    from study.script import load_script

    path = settings_in(os.environ).study
    with shown_progress() as advance:
        known = [one for one in people if one]
        return findings_of(
            people,
            measured(rig_for(log, load_script(path), path.parent), known, lambda done, of: advance("plans", done, of)),
        )


def _written(result: dict[str, Any], words: str, out: Path | None, *, json_wanted: bool) -> None:
    """Write the Markdown to `out` if it is named, and print the result."""
    if out is not None:
        out.write_text(words, encoding="utf-8")
    emit(result, str(out) if out is not None else Markdown(words), json_wanted=json_wanted)


File = Annotated[Path, typer.Argument(help="The study script, a YAML file.")]


def check(file: File, json_wanted: Json = False) -> None:
    """Read a study script and name every mistake with its line; leaves with status 2 if there is one."""
    with one_sentence():
        from study.database import has_record
        from study.script import ScriptError, load_script
        from study.script_desk import in_words, told_of
        from study.scripts import refuse_if_frozen

        settings = settings_in(os.environ)
        try:
            script = load_script(file)
        except ScriptError as found:
            from pages.parts.pictures import another_preset

            wrong = another_preset(settings.bundle, found.preset)
            error = ScriptError(file, [*found.mistakes, *([wrong] if wrong else [])])
            if not json_wanted:
                raise error from found
            emit({"mistakes": list(error.mistakes)}, "", json_wanted=True)
            raise typer.Exit(2) from error
        try:
            _fitted(settings.bundle, script, file.parent)
        except TillerError as error:
            if not os.environ.get("TILLER_BUNDLE"):
                error.add_note("No TILLER_BUNDLE is set, so that this is the demo; set it to the script's own bundle.")
            raise
        if has_record(settings.database_url):
            refuse_if_frozen(opened_log(), script)
        told = told_of(script)
        emit(told, in_words(told), json_wanted=json_wanted)


def rig_for(log: EventLog, script: StudyScript, beside: Path) -> Rig:
    """What the pages work with, composed for the command line: one thread, as in the app, so that replays agree.

    `beside` is the folder that the script lies in, with its own pictures.
    """
    import torch

    from pages.parts.again import runner
    from pages.parts.rig import Rig

    torch.set_num_threads(1)
    bundle = settings_in(os.environ).bundle
    bundles, tasks = _fitted(bundle, script, beside)
    run = runner(bundle, [one.path for one in tasks.values() if one.path])
    return Rig(bundles=bundles, tasks=tasks, script=script, log=log, run=run)


def _fitted(folder: Path, script: StudyScript, beside: Path) -> tuple[dict[str, Bundle], dict[str, TaskPicture]]:
    """The dictionaries and pictures that a script asks for; a TillerError where the bundle does not have them."""
    from core.bundle import load_bundles
    from pages.parts.pictures import refuse_another_runtime, task_pictures

    bundles = load_bundles(folder, [task.sae for task in script.tasks.values()])
    refuse_another_runtime(folder, bundles, script)
    return bundles, task_pictures(folder, bundles, script, beside)
