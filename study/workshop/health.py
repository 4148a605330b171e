"""`tiller doctor`: the health of every dictionary of a bundle, and for the demo the goals that it was built for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from core.description import read_description
from core.types import TillerError, cut_name, many
from study.desk import Json
from study.examinations import HEALTH, found_folder, keep_found
from study.settings import settings_in
from study.tables import figures_table
from study.terminal import emit, one_sentence, shown_progress, stderr, told_when_stopped
from study.trust import NORMS, basis_of, figure_name, figure_text, order_name, percent, trust_in

if TYPE_CHECKING:
    from core.demo.figures import Figure

Of = Annotated[Path | None, typer.Option("--bundle", help="The bundle's folder. Default: TILLER_BUNDLE's.")]
Which = Annotated[list[str] | None, typer.Option("--dictionary", help="Only this dictionary; may be repeated.")]
Goals = Annotated[bool, typer.Option(help="For the demo: its goals too, on freshly drawn pictures.")]


def doctor(bundle: Of = None, dictionary: Which = None, goals: Goals = True, json_wanted: Json = False) -> None:
    """Measure a bundle's dictionaries; leaves with status 1 where a goal or a published figure is not met."""
    with one_sentence():
        settings = settings_in(os.environ)
        folder = bundle or settings.bundle
        # torch takes seconds to import: what is wrong with the order is said before
        wanted = _named(dictionary, read_description(folder)["dictionaries"])

        from core.bundle import description_of, load_bundle
        from core.demo.artefacts import NAME
        from core.health import examine

        said = description_of(folder)
        figures: Sequence[Figure] = ()
        found: list[dict[str, Any]] = []
        kept = found_folder(settings, HEALTH)
        stderr.print(
            f"Measuring {', '.join(wanted)} of {folder}, which takes minutes; what is found of each is kept in {kept}.",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

        def left() -> str:
            done, rest = ", ".join(wanted[: len(found)]), ", ".join(wanted[len(found) :])
            of = f"What was found of {done} is kept in {kept}" if done else "Nothing was found so far that can be kept"
            return f"Stopped. {of}; not measured to the end: {rest or 'nothing'}."

        with told_when_stopped(left), shown_progress() as advance:
            if goals and said["model"]["name"] == NAME:
                from core.demo.figures import measure

                figures = measure(folder, progress=advance)
            for which in wanted:

                def tell(stage: str, done: int, steps: int, which: str = which) -> None:
                    advance(f"{which}: {stage}", done, steps)

                tell("opening the bundle", 0, 1)
                bundle_of = load_bundle(folder, which)
                tell("opening the bundle", 1, 1)
                health = examine(bundle_of, which, progress=tell).as_json()
                keep_found(kept, health)
                found.append(health)
        told = [each | {"trust": trust_in(each)} for each in found]
        shown = [
            *([figures_table(figures)] if figures else []),
            *(part for each in found for part in health_tables(each)),
        ]
        shown += [f"\n[bold]Verdict.[/bold] {escape(each['trust'])}" for each in told]
        emit({"figures": [asdict(each) for each in figures], "health": told}, Group(*shown), json_wanted=json_wanted)
    if not all(figure.met for figure in figures) or not all(each["well"] for each in found):
        raise typer.Exit(1)


def health_tables(health: Mapping[str, Any]) -> list[Table]:
    """One dictionary: what was measured, beside what was published where anything was, and its faithfulness."""
    title = (
        f"{health['dictionary']}: {cut_name(health['block'])} of {health['model']}, "
        f"{many(health['components'], 'component')}, on {many(health['images'], 'picture')}; gate: {health['verdict']}"
    )
    table = Table(title=title, title_justify="left", title_style="bold")
    beside = {one["name"]: one for one in health["published"]}
    table.add_column("figure")
    for name in ("measured", *(("published", "") if beside else ())):
        table.add_column(name, justify="right")
    for name, value in health["figures"].items():
        table.add_row(figure_name(name, health), figure_text(name, value), *_against(name, beside.pop(name, None)))
    for name, one in beside.items():
        table.add_row(figure_name(name, health), "not measured", *_against(name, one))
    table.add_section()
    if health["error_share"]:
        table.add_row("error's share in a prediction, median", percent(health["error_share"][5]))
    table.add_row(*_other(health["decision"]))
    for name, value in health["speeds"].items():
        table.add_row(f"{name}, median", f"{value:,.1f} ms")
    return [table, *([curves_table(health)] if health["curves"] else [])]


def curves_table(health: Mapping[str, Any]) -> Table:
    """The areas under the faithfulness curves of each order, with the pictures that each rests on."""
    table = Table(
        title=f"Faithfulness {basis_of(health)}",
        caption="Area under the margin's curve while components are put in (high is good) or taken out (low is good), "
        "with its 95 % interval.",
        title_justify="left",
        title_style="bold",
        caption_justify="left",
    )
    table.add_column("order")
    for name in ("pictures", "put in", "taken out"):
        table.add_column(name, justify="right")
    for curve in health["curves"]:
        areas = (_area(curve[kind], curve["pictures"]) for kind in ("insertion_area", "deletion_area"))
        table.add_row(order_name(curve), str(curve["pictures"]), *areas)
    return table


def _named(dictionaries: Sequence[str] | None, there: Mapping[str, Any]) -> list[str]:
    strange = [one for one in dictionaries or () if one not in there]
    if strange:
        raise TillerError(f"Dictionary {strange[0]!r} was asked for; the bundle has {', '.join(there)}: name one.")
    return list(dictionaries or there)


def _against(name: str, one: Mapping[str, Any] | None) -> tuple[str, ...]:
    if one is None:
        return ()
    said = f"{figure_text(name, one['published'])} ± {figure_text(name, one['tolerance'])}"
    return said, "[green]met[/green]" if one["met"] else "[red]missed[/red]"


def _area(area: Mapping[str, float | None], pictures: int) -> str:
    if area["value"] is None:
        return "none"
    if pictures == 1:
        return f"{area['value']:.2f}"  # one picture has no interval
    return f"{area['value']:.2f} ({area['low']:.2f} to {area['high']:.2f})"


def _other(decision: Mapping[str, Any]) -> tuple[str, str]:
    others = [one for one in decision["candidates"] if one != decision["chosen"] and one["explained"] is not None]
    if not others:
        return "explained by another reading", "none"
    best = max(others, key=lambda one: one["explained"])
    norm, bias = NORMS.get(best["normalisation"], best["normalisation"]), "off first" if best["pre_bias"] else "left in"
    return f"explained by the best other reading ({norm}, bias {bias})", percent(best["explained"])
