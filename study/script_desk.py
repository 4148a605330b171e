"""The schema of study scripts, by which editors complete them, and what `check` has to say."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Annotated, Any

import typer

from study.route import factors_of, route_of
from study.script import StudyScript
from study.script.file import ScriptFile
from study.terminal import one_sentence

SCHEMA = "https://json-schema.org/draft/2020-12/schema"


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
    return {"$schema": SCHEMA, "$id": "urn:tiller:study:1", **ScriptFile.model_json_schema(by_alias=True)}


def told_of(script: StudyScript) -> dict[str, Any]:
    """What `tiller study check` says of a script without mistakes."""
    factors = factors_of(script)
    stops = [{"id": stop.id, "step": stop.step, "condition": stop.condition} for stop in route_of(script, {}, 0)]
    return {
        "study": script.study.id,
        "version": script.study.version,
        "sha256": script.sha256,
        "languages": list(script.study.languages),
        "stops": stops,
        "factors": factors,
        "slots": prod(factors.values()),
        "advice": list(script.advice),
    }


def in_words(told: dict[str, Any]) -> str:
    """`told_of` for a person."""
    way = " > ".join(stop["id"] for stop in told["stops"])
    balanced = ", ".join(f"{name} ({levels})" for name, levels in told["factors"].items()) or "nothing"
    slots = f"{told['slots']} slot{'s' if told['slots'] != 1 else ''}"
    advice = [f"Advice, {one}" for one in told["advice"]]
    first = f"{told['study']} {told['version']} has no mistake."
    return "\n".join([first, f"The first slot's way: {way}", f"Balanced: {balanced}; {slots}.", *advice])
