"""Commands for coding by people: the codebook out and in, and how far coders agree."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.table import Table

from core.types import TillerError, many
from study.desk import Json, opened_log
from study.terminal import emit, one_sentence

if TYPE_CHECKING:
    from study.agreement import Figure
    from study.codebook import Codebook
    from study.coder_agreement import Comparison
    from study.log import EventLog

Study = Annotated[str, typer.Option(help="The study, by the id in its script.")]
Version = Annotated[int | None, typer.Option(help="A version of the codebook; the present one if none is named.")]


def agreement(
    study: Study,
    coders: Annotated[str, typer.Option(help="Two names or more, commas between; rules and consensus are names too.")],
    version: Version = None,
    seed: Annotated[int | None, typer.Option(help="Of the bootstrap; the same one draws the same.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write the result into the record as well.")] = False,
    json_wanted: Json = False,
) -> None:
    """How far coders agree on the sessions that they have finished, per layer and per code."""
    with one_sentence():
        from study.agreement import SEED
        from study.codebook import books_in
        from study.coder_agreement import compare, keep_agreement
        from study.samples import samples_in
        from study.streams import stream_of

        log = _log_of(study)
        kept = log.read(stream_of("codebook", study))
        found = compare(
            log,
            study,
            [name.strip() for name in coders.split(",") if name.strip()],
            books=books_in(kept),
            samples=samples_in(kept),
            version=version,
            seed=SEED if seed is None else seed,
        )
        if keep:
            keep_agreement(log, found, by="command line", key=f"agreement/{uuid4()}")
        emit(_plain(found), _agreement_table(found), json_wanted=json_wanted)


def codebook(
    study: Study,
    export: Annotated[Path | None, typer.Option(help="A .qdc file to write it to.")] = None,
    import_: Annotated[Path | None, typer.Option("--import", help="A .qdc file to make a new version of.")] = None,
    version: Version = None,
    json_wanted: Json = False,
) -> None:
    """Show a study's codebook, write it as REFI-QDA, or make a new version of one from another tool."""
    with one_sentence():
        from study.codebook import books_of, change_codebook, version_of
        from study.exports.qdc import mapped_by_name, read_qdc, write_qdc

        if export is not None and import_ is not None:
            raise TillerError("--export and --import were both asked for; do one after the other.")
        log = _log_of(study)
        book = version_of(books_of(log, study), version)
        if import_ is not None:
            now = books_of(log, study)[-1]
            entries = read_qdc(import_.read_bytes(), now.entries)
            mapping = mapped_by_name(now.entries, entries)
            note = f"imported from {import_.name}"
            book = change_codebook(
                log, study, entries, mapping=mapping, by="command line", note=note, since=now.version
            )
        if export is not None:
            with export.open("wb") as file:
                write_qdc(book.entries, file)
        result = {"study": study, "version": book.version, "codes": [asdict(entry) for entry in book.entries]}
        emit(result, str(export) if export is not None else _codebook_table(book), json_wanted=json_wanted)


def _log_of(study: str) -> EventLog:
    log = opened_log()
    known = log.studies()
    if study not in known:
        raise TillerError(f"Study {study!r} was asked for; the log has {', '.join(known) or 'none'}: name one it has.")
    return log


def _plain(found: Comparison) -> dict[str, Any]:
    from study.coder_agreement import statistics_of

    return {
        "study": found.study,
        "coders": list(found.coders),
        "codebook": found.version,
        "seed": found.seed,
        "replicates": found.replicates,
        "units": len(found.units),
        "differing": len(found.differing),
        "unfinished": dict(found.unfinished),
        "rows": [
            {
                "of": row.of,
                "layer": row.layer,
                "is_layer": row.code is None,
                "units": row.agreement.units,
                "participants": row.agreement.participants,
                "prevalence": row.prevalence,
                **{name: asdict(figure) for name, figure in statistics_of(row.agreement).items()},
            }
            for row in found.rows
        ],
    }


def _agreement_table(found: Comparison) -> Table:
    waiting = ", ".join(f"{name}: {count}" for name, count in found.unfinished.items())
    notes = [
        f"{many(len(found.units), 'unit')} that two of them have coded, {len(found.differing)} with differing codes",
        f"95 % intervals from {found.replicates} draws of participants, seed {found.seed}",
        *([f"sessions begun and not finished, which do not count: {waiting}"] if waiting else []),
    ]
    title = f"{', '.join(found.coders)}, codebook version {found.version}"
    table = Table(title=title, caption="\n".join(notes))
    table.add_column("layer or code")
    for head in ("units", "given", "observed", "kappa", "alpha"):
        table.add_column(head, justify="right")
    for row in found.rows:
        one = row.agreement
        name = f"[bold]{row.of}[/bold]" if row.code is None else f"  {row.of}"
        given = "" if row.prevalence is None else f"{row.prevalence:.0%}"
        table.add_row(name, str(one.units), given, *map(_in_words, (one.observed, one.kappa, one.alpha)))
    return table


def _in_words(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    interval = "" if figure.low is None or figure.high is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{interval}"


def _codebook_table(book: Codebook) -> Table:
    table = Table(title=f"Codebook, version {book.version}")
    for head in ("code", "key", "definition"):
        table.add_column(head, overflow="fold")
    for entry in book.entries:
        name = entry.name if entry.codable else f"[bold]{entry.name}[/bold]"
        table.add_row(name, entry.shortcut, entry.definition)
    return table
