"""Fetching published models and their dictionaries, so that everything after it works without a network."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from study.desk import Json
from study.terminal import emit, one_sentence, shown_bytes, told_when_stopped


def fetch(
    name: Annotated[str | None, typer.Argument(help="A preset; all are listed where none is named.")] = None,
    json_wanted: Json = False,
) -> None:
    """Fetch a model and its dictionaries into huggingface's cache; an interrupted fetch goes on where it stopped."""
    with one_sentence():
        from core.preset_file import read_presets

        presets = read_presets()
        if name is None:
            listed = {
                one.name: {"title": one.title, "dictionaries": list(one.dictionaries)} for one in presets.values()
            }
            emit({"presets": listed}, _listed(listed), json_wanted=json_wanted)
            return
        from core.fetching import fetch_preset
        from core.presets import find_preset

        preset = find_preset(presets, name)
        kept = "Stopped; what has come is kept in huggingface's cache, and the same command goes on from there."
        with told_when_stopped(lambda: kept), shown_bytes() as advance:
            found = fetch_preset(preset, advance)
        result: dict[str, Any] = {
            "preset": name,
            "model": {"name": preset.model, "weights": str(found.model.weights)},
            "dictionaries": {which: str(path) for which, path in found.dictionaries.items()},
            "published": preset.published,
            "next": [f"tiller bundle make FOLDER --preset {name} --images DIR"],
        }
        emit(result, _brought(result), json_wanted=json_wanted, then=result["next"])


def _listed(presets: dict[str, dict[str, Any]]) -> Table:
    table = Table("preset", "what it is", "dictionaries", box=None)
    for name, one in presets.items():
        table.add_row(name, one["title"], ", ".join(one["dictionaries"]))
    return table


def _brought(result: dict[str, Any]) -> Table:
    table = Table("part", box=None)
    table.add_column("file", overflow="fold")  # a path that is cut can be copied nowhere
    table.add_row("model", result["model"]["weights"])
    for which, path in result["dictionaries"].items():
        table.add_row(which, path)
    return table
