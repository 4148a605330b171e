"""`tiller claim`: what a plan does, written down so that anybody can measure it again, and measured again."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from core.claim import Claim, Line
from core.claim_file import read_file, read_text, text_of
from core.types import Op, TillerError
from study.claim_events import ClaimSaved
from study.desk import Json, opened_log, records_of
from study.notation import read_labels, read_plan
from study.settings import settings_in
from study.terminal import emit, one_sentence, shown_progress
from study.workshop.places import Overwrite, put_files, refuse_file, refuse_folder, refuse_taken

if TYPE_CHECKING:
    from core.bundle import Bundle
    from core.claim_check import Checked
    from core.claim_making import Ground
    from core.model import Clip

claim = typer.Typer(help="Claims: what a plan does to other pictures, to be measured again.", no_args_is_help=True)

Of = Annotated[Path | None, typer.Option("--bundle", help="The bundle's folder. Default: TILLER_BUNDLE's.")]
STATUS = {"same": 0, "within tolerance": 0, "differs": 1, "cannot be measured": 2}
WORDS = {
    "same": "It holds exactly.",
    "within tolerance": "It holds within the tolerance for another environment.",
    "differs": "It does not hold.",
    "cannot be measured": "It cannot be checked.",
}


@claim.command("make")
def make(
    edit: Annotated[list[str], typer.Option(help="COMPONENT:suppress, :scale=2, :set=1.5 or :add=1; may be repeated.")],
    bundle: Of = None,
    picture: Annotated[
        str | None, typer.Option(help="The picture it was found on: a kind of task picture (word), or a file of it.")
    ] = None,
    shows: Annotated[str | None, typer.Option(help="What that picture shows, where no task says.")] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="Failures of the same cause: a CSV with file and truth, files beside it.")
    ] = None,
    scope: Annotated[str, typer.Option(help="all, active, cls, or patches=0,1")] = "active",
    units: Annotated[str, typer.Option(help="What set and add count: p99 or code.")] = "p99",
    sae: Annotated[str, typer.Option(help="A dictionary of the bundle.")] = "spatial",
    labels: Annotated[str | None, typer.Option(help='Class names: "a,b,c". Default: the bundle\'s own.')] = None,
    template: Annotated[list[str] | None, typer.Option(help="Prompt template with {} in it.")] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("claim.json"),
    overwrite: Overwrite = False,
    json_wanted: Json = False,
) -> None:
    """Measure what a plan does to other pictures, those that fail for the same cause among them, and write it down."""
    with one_sentence():
        if units not in ("p99", "code"):
            raise TillerError(f"Units {units!r} were asked for; set and add count in p99 or code: name one of them.")
        given = read_plan(edit, scope, lambda component, scope: 1.0)
        names = None if labels is None else read_labels(labels)
        listed = None if held_out is None else _listed(held_out)
        refuse_folder(out)
        refuse_taken([out], overwrite=overwrite)
        import torch

        from core.bundle import load_bundle
        from core.claim_making import make_claim
        from core.instrument import Instrument

        torch.set_num_threads(1)  # as in the app, so that what was claimed there comes out again
        folder = bundle or settings_in(os.environ).bundle
        with shown_progress() as advance:
            advance("opening the bundle", 0, 1)
            opened = load_bundle(folder, sae)
            advance("opening the bundle", 1, 1)
        model = (
            opened.model
            if names is None and not template
            else opened.model.labelled(names or opened.model.labels, template)
        )
        unit = Instrument(model, opened.sae, opened.index).unit
        plan = read_plan(edit, scope, unit if units == "p99" else lambda component, scope: 1.0)
        lines = [
            Line(one, value.strength, "factor" if one.op is Op.SCALE else units)
            for one, value in zip(plan, given, strict=True)
        ]
        ground = _ground(folder, opened, model, picture, shows, listed)
        made = make_claim(opened, sae, model, lines, ground, at=datetime.now(UTC))
        put_files({out: text_of(made).encode()})
        emit({"file": str(out), **made.as_json()}, f"{escape(str(out))}: {made.sentence}", json_wanted=json_wanted)


@claim.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A claim's file.")],
    bundle: Of = None,
    pictures: Annotated[
        list[Path] | None, typer.Option(help="A folder with pictures that are none of the bundle's; may be repeated.")
    ] = None,
    json_wanted: Json = False,
) -> None:
    """Measure a claim again: status 0 if it holds, 1 if it does not, 2 if that cannot be told."""
    with one_sentence():
        said = read_file(file)
        folder = bundle or settings_in(os.environ).bundle
        from core.claim_check import check_claim

        with shown_progress() as advance:
            found = check_claim(said, folder, pictures or (), progress=advance)
        emit(_told(said, found), _in_words(said, found), json_wanted=json_wanted)
    if status := STATUS[found.verdict]:
        raise typer.Exit(status)


@claim.command("from")
def write_from(
    session: Annotated[str, typer.Argument(help="A session of the record.")],
    out: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")],
    overwrite: Overwrite = False,
    json_wanted: Json = False,
) -> None:
    """Write the claims that were saved in a session to files, as the participant could download them."""
    with one_sentence():
        records = records_of(opened_log(), session)
        saved = [record for record in records if isinstance(record.event, ClaimSaved)]
        if not saved:
            raise TillerError(f"The claims of session {session!r} were asked for; none was saved in it.")
        claims = [
            read_text(record.event.file, f"The claim of row {record.seq}")
            for record in saved
            if isinstance(record.event, ClaimSaved)
        ]
        refuse_file(out)
        paths = [out / f"claim-{one.sha256[:12]}.json" for one in claims]
        refuse_taken(dict.fromkeys(paths), overwrite=overwrite)
        out.mkdir(parents=True, exist_ok=True)
        put_files({path: text_of(one).encode() for path, one in zip(paths, claims, strict=True)})
        written = [
            {"file": str(path), "seq": record.seq, "claim": one.sentence, "sha256": one.sha256}
            for path, record, one in zip(paths, saved, claims, strict=True)
        ]
        words = "\n".join(escape(f"{one['file']}: {one['claim']}") for one in written)
        emit({"session": session, "claims": written}, words, json_wanted=json_wanted)


def _listed(table: Path) -> list[tuple[Path, str]]:
    """Pictures with what they show, by a table beside them."""
    from core.pictures import picture_in

    if not table.is_file():
        raise TillerError(f"The held-out pictures in '{table}' were asked for, and there is no such file.")
    try:
        with table.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise TillerError(f"'{table}' is no table of text ({wrong}); save it as CSV in UTF-8.") from wrong
    if not rows or any(not row.get("file") or not row.get("truth") for row in rows):
        raise TillerError(f"'{table}' needs a line for each picture, with the columns file and truth; complete it.")
    return [(picture_in(table.parent, row["file"]), row["truth"]) for row in rows]


def _ground(
    folder: Path,
    bundle: Bundle,
    model: Clip,
    named: str | None,
    shows: str | None,
    listed: Sequence[tuple[Path, str]] | None,
) -> Ground:
    """The pictures of a claim: the one named, those that fail like it, and the reference set where the classes fit."""
    from core.checksum import checksum_of
    from core.claim_figures import open_pictures, reference_pictures
    from core.claim_making import Ground, can_count
    from core.pictures import picture_in
    from core.task_pictures import pictures_by_kind

    content = None
    if named is not None:
        known = pictures_by_kind(folder, bundle.images)
        task = known.get(named) or next((one for one in known.values() if one.file == named), None)
        path = picture_in(bundle.images, task.file if task else named)
        if not path.is_file():
            kinds = f"; its tasks have {', '.join(known)}" if known else ""
            raise TillerError(f"Picture {named!r} was asked for; {bundle.images} has no such file{kinds}: name one.")
        content, shows = path.read_bytes(), shows or (task.label if task else None)
        listed = listed if listed is not None else task.similar if task else None
    for label in (*([shows] if shows else []), *(truth for _, truth in listed or ())):
        if label not in model.labels:
            raise TillerError(f"A picture shows {label!r}, and the classes are {', '.join(model.labels)}: name one.")
    held_out = None
    if listed:
        paths, truths = [path for path, _ in listed], [truth for _, truth in listed]
        digests = [(checksum_of(path), truth) for path, truth in listed]
        held_out = open_pictures(model, bundle.sae, paths, truths), digests
    reference = reference_pictures(bundle) if can_count(model, bundle.reference) else None
    return Ground(content, shows, held_out, reference)


def _told(said: Claim, found: Checked) -> dict[str, Any]:
    return {
        "claim": said.sentence,
        "sha256": said.sha256,
        "verdict": found.verdict.value,
        "holds": STATUS[found.verdict] == 0,
        "figures": [
            {
                "figure": one.name,
                "claimed": one.claimed,
                "measured": one.measured,
                "verdict": one.verdict.value,
                "why": one.why,
            }
            for one in found.figures
        ],
        "environment": {name: {"claimed": then, "now": now} for name, (then, now) in found.moved.items()},
        "notes": list(found.notes),
    }


def _in_words(said: Claim, found: Checked) -> Group:
    """The same for a person."""
    table = Table("figure", "claimed", "measured", "", box=None)
    colours = {"same": "green", "within tolerance": "green", "differs": "red", "cannot be measured": "yellow"}
    for one in found.figures:
        verdict = f"[{colours[one.verdict]}]{one.verdict.value}[/] {escape(one.why)}"
        measured = "" if one.measured is None else escape(str(one.measured))
        table.add_row(escape(one.name), escape(str(one.claimed)), measured, verdict)
    moved = [escape(f"{name}: {then} then, {now} now") for name, (then, now) in found.moved.items()]
    away = ["Another environment:", *(f"  {line}" for line in moved)] if moved else []
    return Group(escape(said.sentence), table, *map(escape, found.notes), *away, WORDS[found.verdict])
