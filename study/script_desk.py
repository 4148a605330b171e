"""Commands over study scripts: check one, and publish the schema by which editors complete them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.desk import Json
from study.settings import settings_in
from study.terminal import emit, one_sentence

if TYPE_CHECKING:
    from study.log import EventLog

File = Annotated[Path, typer.Argument(help="The study script, a YAML file.")]
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def check(file: File, json_wanted: Json = False) -> None:
    """Read a study script and name every mistake with its line; leaves with status 2 if there is one."""
    with one_sentence():
        from study.route import factors_of, route_of
        from study.script import ScriptError, load_script
        from study.scripts import refuse_if_frozen

        try:
            script = load_script(file)
        except ScriptError as error:
            if not json_wanted:
                raise
            emit({"mistakes": list(error.mistakes)}, "", json_wanted=True)
            raise typer.Exit(2) from error
        if (log := _log()) is not None:
            refuse_if_frozen(log, script)
        factors = factors_of(script)
        cells = 1
        for levels in factors.values():
            cells *= levels
        stops = [{"id": stop.id, "step": stop.step, "condition": stop.condition} for stop in route_of(script, {}, 0)]
        result = {
            "study": script.study.id,
            "version": script.study.version,
            "sha256": script.sha256,
            "languages": list(script.study.languages),
            "stops": stops,
            "factors": factors,
            "slots": cells,
            "advice": list(script.advice),
        }
        emit(result, _in_words(result), json_wanted=json_wanted)


def _log() -> EventLog | None:
    """The record that the environment names, if there is one already."""
    from study.database import connect
    from study.log import EventLog

    url = settings_in(os.environ).database_url
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.is_file():
        return None
    return EventLog(connect(url, make=False))


def _in_words(found: dict[str, Any]) -> str:
    way = " > ".join(stop["id"] for stop in found["stops"])
    balanced = ", ".join(f"{name} ({levels})" for name, levels in found["factors"].items()) or "nothing"
    slots = f"{found['slots']} slot{'s' if found['slots'] != 1 else ''}"
    advice = [f"Advice, {one}" for one in found["advice"]]
    first = f"{found['study']} {found['version']} has no mistake."
    return "\n".join([first, f"The first slot's way: {way}", f"Balanced: {balanced}; {slots}.", *advice])


def schema(
    out: Annotated[Path | None, typer.Option(help="A file to write to; the screen if none is named.")] = None,
) -> None:
    """Print the JSON Schema of study scripts."""
    with one_sentence():
        text = json.dumps(published_schema(), indent=2, ensure_ascii=False)
        if out is None:
            typer.echo(text)
        else:
            out.write_text(text + "\n", encoding="utf-8")


def published_schema() -> dict[str, Any]:
    """The schema as editors use it; it knows the form alone, `check` knows the rest."""
    from study.script.file import ScriptFile

    return {"$schema": SCHEMA, "$id": "urn:tiller:study:1", **ScriptFile.model_json_schema(by_alias=True)}
