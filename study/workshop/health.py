"""`tiller doctor`: the health of every dictionary of a bundle, and for the demo the goals that it was built for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table

from core.types import TillerError
from study.desk import Json
from study.health import health_folder, keep_health
from study.settings import settings_in
from study.tables import figures_table
from study.terminal import emit, one_sentence, shown_progress

if TYPE_CHECKING:
    from core.demo.figures import Figure

Of = Annotated[Path | None, typer.Option("--bundle", help="The bundle's folder. Default: TILLER_BUNDLE's.")]
Which = Annotated[list[str] | None, typer.Option("--dictionary", help="Only this dictionary; may be repeated.")]
Goals = Annotated[bool, typer.Option(help="For the demo: its goals too, on freshly drawn pictures.")]


def doctor(bundle: Of = None, dictionary: Which = None, goals: Goals = True, json_wanted: Json = False) -> None:
    """Measure a bundle's dictionaries; leaves with status 1 where a goal or a published figure is not met."""
    with one_sentence():
        from core.bundle import description_of, load_bundle
        from core.demo.artefacts import NAME
        from core.health import examine

        settings = settings_in(os.environ)
        folder = bundle or settings.bundle
        said = description_of(folder)
        wanted = _named(dictionary, said["dictionaries"])
        figures: Sequence[Figure] = ()
        found: list[dict[str, Any]] = []
        with shown_progress() as advance:
            if goals and said["model"]["name"] == NAME:
                from core.demo.figures import measure

                figures = measure(folder, progress=advance)
            for which in wanted:

                def tell(stage: str, done: int, steps: int, which: str = which) -> None:
                    advance(f"{which}: {stage}", done, steps)

                health = examine(load_bundle(folder, which), which, progress=tell).as_json()
                keep_health(health_folder(settings), health)
                found.append(health)
        tables = [*([figures_table(figures)] if figures else []), *map(health_table, found)]
        emit({"figures": [asdict(each) for each in figures], "health": found}, Group(*tables), json_wanted=json_wanted)
    if not all(figure.met for figure in figures) or not all(each["well"] for each in found):
        raise typer.Exit(1)


def health_table(health: Mapping[str, Any]) -> Table:
    """One dictionary: what was measured, and what was published where anything was."""
    decision = health["decision"]
    title = (
        f"{health['dictionary']}: block {health['block']} of {health['model']}, {health['components']:,} components, "
        f"on {health['images']} pictures; gate: {health['verdict']}"
    )
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("figure")
    for name in ("measured", "published", ""):
        table.add_column(name, justify="right")
    beside = {one["name"]: one for one in health["published"]}
    for name, value in health["figures"].items():
        table.add_row(WORDS.get(name, name), _number(name, value), *_against(name, beside.pop(name, None)))
    for name, one in beside.items():
        table.add_row(name, "not measured", *_against(name, one))
    table.add_section()
    for order in health["curves"]:
        area = order["insertion_area"]
        if area["value"] is not None:
            span = f"{area['value']:.2f} ({area['low']:.2f} to {area['high']:.2f})"
            table.add_row(f"insertion area, {order['order']} order", span, "", "")
    if health["error_share"]:
        table.add_row("error's share in a prediction, median", f"{100 * health['error_share'][5]:.1f} %", "", "")
    table.add_row("the gate today, best other reading", _other(decision), "", "")
    for name, value in health["speeds"].items():
        table.add_row(f"{name}, median", f"{value:.1f} ms", "", "")
    return table


WORDS = {
    "explained": "explained variance, pooled",
    "explained_per_token": "explained variance, per token",
    "explained_class": "explained variance of the class token, pooled",
    "explained_patches": "explained variance of the patches, pooled",
    "explained_per_token_class": "explained variance of the class token, per token",
    "explained_per_token_patches": "explained variance of the patches, per token",
    "l0_class": "codes of the class token",
    "l0_patches": "codes of a patch",
    "alive": "components that fire at least once",
    "accuracy": "zero-shot accuracy",
    "accuracy_rebuilt": "zero-shot accuracy of the reconstruction",
    "agreement": "top label stays with the reconstruction",
    "cosine": "cosine of the embedding with the reconstruction's",
}


def _named(dictionaries: Sequence[str] | None, there: Mapping[str, Any]) -> list[str]:
    strange = [one for one in dictionaries or () if one not in there]
    if strange:
        raise TillerError(f"Dictionary {strange[0]!r} was asked for; the bundle has {', '.join(there)}: name one.")
    return list(dictionaries or there)


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.1f}" if name.startswith("l0") else f"{value:.3f}" if name == "cosine" else f"{100 * value:.1f} %"


def _against(name: str, one: Mapping[str, Any] | None) -> tuple[str, str]:
    if one is None:
        return "", ""
    said = f"{_number(name, one['published'])} ± {_number(name, one['tolerance'])}"
    return said, "[green]met[/green]" if one["met"] else "[red]missed[/red]"


def _other(decision: Mapping[str, Any]) -> str:
    others = [one for one in decision["candidates"] if one != decision["chosen"] and one["explained"] is not None]
    if not others:
        return "none"
    best = max(others, key=lambda one: one["explained"])
    return f"{best['normalisation']}, {'with' if best['pre_bias'] else 'no'} pre-bias: {100 * best['explained']:.1f} %"
