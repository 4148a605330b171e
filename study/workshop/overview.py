"""`tiller overview`: what matters over many pictures, for a class or for all failures, as a report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown

from core.description import dictionary_in, read_description
from core.types import TillerError
from study.desk import Json
from study.examinations import OVERVIEW, found_folder, keep_found
from study.overview_report import report_of
from study.settings import settings_in
from study.terminal import emit, one_sentence, shown_progress
from study.workshop.given import folder_of
from study.workshop.places import Overwrite, put_files, refuse_taken

Of = Annotated[Path | None, typer.Option("--bundle", help="The bundle's folder. Default: TILLER_BUNDLE's.")]
Which = Annotated[str, typer.Option("--dictionary", help="The bundle's dictionary to read with.")]
Class = Annotated[list[str] | None, typer.Option("--class", help="Report on this class; may be repeated.")]
Failures = Annotated[bool, typer.Option("--failures", help="Report on the failures, in slices.")]
Out = Annotated[Path | None, typer.Option(help="A Markdown file to write the report to.")]
Seed = Annotated[int, typer.Option(min=0, help="Of halves, shams and resamples.")]


def overview(
    bundle: Of = None,
    dictionary: Which = "",
    label: Class = None,
    failures: Failures = False,
    out: Out = None,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    json_wanted: Json = False,
) -> None:
    """Report what a class, or the failures, go by over a bundle's reference pictures; all of them if none is named."""
    with one_sentence():
        if out is not None:
            if out.suffix.lower() != ".md" or not out.parent.is_dir():
                raise TillerError(f"'{out}' was to be written; name a .md file in a folder that is there.")
            refuse_taken([out], overwrite=overwrite)
        settings = settings_in(os.environ)
        folder = folder_of(bundle)
        # torch takes seconds to import: what is wrong with the order is said before
        which = _checked(folder, dictionary, label or ())

        from core.bundle import load_bundle
        from core.overview.survey import Survey

        with shown_progress() as advance:
            survey = Survey.of(load_bundle(folder, which), which, seed=seed, progress=advance)
            if label or failures:
                accounts: list[dict[str, Any]] = [*([survey.of_failures()] if failures else [])]
                accounts += [survey.of_class(one) for one in dict.fromkeys(label or ())]
            else:
                whole = survey.whole()
                keep_found(found_folder(settings, OVERVIEW), whole)
                accounts = [whole["failures"], *whole["classes"].values()]
        report = "\n".join(map(report_of, accounts))
        if out is not None:
            put_files({out: report.encode()})
        emit({"accounts": accounts}, f"{out}" if out else Markdown(report), json_wanted=json_wanted)


def _checked(folder: Path, dictionary: str, classes: Sequence[str]) -> str:
    """The dictionary that is meant, once it and the classes are known to the bundle in `folder`."""
    which = dictionary_in(folder, dictionary or None, home="spatial")
    labels = read_description(folder)["labels"]
    for one in classes:
        if one not in labels:
            raise TillerError(f"Class {one!r} was asked for; the bundle has {', '.join(labels)}: name one of them.")
    return which
