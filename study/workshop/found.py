"""Proposed tasks written down: a study script that `tiller study check` accepts, its pictures, and a report."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.types import Rate, TillerError
from study.script.tasks import PICTURES

if TYPE_CHECKING:
    from core.failures import Answers, Asked
    from core.instrument import Instrument
    from core.proposals import Found, Proposals

_HEAD = """\
# Tasks that `tiller task find` proposed, as a script that can be run as it stands. To put them into a study of yours,
# copy what stands under `tasks:` and the folder {pictures}/; to make this one yours, write title, welcome, goal and
# consent anew. Model and dictionary are pinned: with any other, other components repair other pictures.
schema: tiller-study/1
study:
  id: {id}
  version: "0.1.0"                  # in quotes; raise it when you change this file after somebody took part
  title: Why did it say that?
  stage: pilot
  contact: the person who invited you
modes: {{remote: {{open: true}}}}     # whoever has the address may begin; without this line, whoever has a link
runtime:
  model_sha256: {model}
{pin}
welcome: An image model has looked at a few pictures and named what it saw. Find out why it said what it said.
consent:
  text: {consent}
  scopes:
    - {{key: log, required: true, label: Record what I do in the workspace and the answers I give.}}
debrief: Thank you. Every step you took is saved.

tasks:
"""
_CONSENT = """\
Everything you do in the workspace and every answer you give is recorded, without your name. You may stop at any time.

*(This text was put here by `tiller task find`. Write your own before anybody takes part.)*
"""
_SHARED = """\
    goal: &goal |                   # the same words for every task: they must not tell what is wrong
      Find out what leads the model to its answer. If you think that it is wrong for a reason that can be repaired, say
      which, and change as little as you can to repair it.
    truth: hidden                   # or the controls would be known by their frame
    sae: {which}
{labels}    tools: &tools [attribution, suppress, amplify, set, add, undo, redo, reset, compare]
    answers: &answers
      - {{id: cause, type: free_text, label: "What made the model give this answer?"}}
      - {{id: confidence, type: slider, label: "How sure are you?", min: 0, max: 100, start: null}}
"""
_AGAIN = """\
    goal: *goal
    truth: hidden
    sae: {which}
{labels}    tools: *tools
    answers: *answers
"""


def report_of(tool: Instrument, answers: Answers, proposed: Proposals, near: float) -> dict[str, Any]:
    """All that was counted, as plain JSON values."""
    right = Rate(sum(one.lead > 0 for one in answers.asked), len(answers.asked))
    return {
        **tool.names(),
        "labels": list(tool.model.labels),
        "templates": list(tool.model.templates),
        "near": near,
        "pictures": len(answers.asked),
        "right": asdict(right),
        "near_misses": sum(0 < one.lead <= near for one in answers.asked),
        "broken_files": [{"file": name, "why": why} for name, why in answers.broken],
        "tried": proposed.tried,
        "repaired": proposed.repaired,
        "reference": [one.name for one in proposed.reference],
        "tasks": [_task(tool, each) for each in proposed.tasks],
        "controls": [_picture(one) for one in proposed.controls],
    }


def _task(tool: Instrument, each: Found) -> dict[str, Any]:
    named = [{"index": index, "name": _name(tool, index)} for index in each.components]
    return {
        **_picture(each.picture),
        "components": named,
        "probability": {"before": each.before, "after": each.after},
        "lead": {"before": each.leads[0], "after": each.leads[1]},
        "score": each.score,
        "broken": asdict(each.broken),
        "broken_elsewhere": asdict(each.broken_elsewhere),
        "held_out": [_picture(one) for one in each.held_out],
        "fixed": asdict(each.fixed),
    }


def _picture(one: Asked) -> dict[str, Any]:
    return {
        "file": one.name,
        "sha256": one.sha256,
        "shows": one.shows,
        "says": one.says,
        "rival": one.rival,
        "lead": one.lead,
    }


def _name(tool: Instrument, index: int) -> str | None:
    card = tool.components.get(index)
    return card.label if card else None


def script_files(
    out: Path, images: Path, report: Mapping[str, Any], *, which: str, labels: tuple[str, ...] | None
) -> dict[Path, bytes]:
    """The script at `out`, copies of its pictures under names that tell nothing, and a consent text if there is none.

    Args:
        labels: the classes where they are not the bundle's own.
    """
    folder = out.with_suffix("").with_name(f"{out.stem}-pictures")
    consent = out.with_name(f"{out.stem}-consent.md")
    files = {} if consent.exists() else {consent: _CONSENT.encode()}
    model, sae = report["model"]["sha256"], report["sae"]["sha256"]
    own = f"    labels: [{', '.join(json.dumps(one) for one in labels)}]\n" if labels else ""
    parts = [
        _HEAD.format(
            pictures=folder.name,
            id=_id(out.stem),
            model=model,
            pin=_pin(which, sae),
            consent=json.dumps(consent.name),
        )
    ]
    tasks = [*report["tasks"], *report["controls"]]
    for number, one in enumerate(tasks):
        copies = {each["file"]: _copied(images, each, folder) for each in (one, *one.get("held_out", ()))}
        files |= dict(copies.values())
        names = {file: f"{folder.name}/{place.name}" for file, (place, _) in copies.items()}
        control = "components" not in one
        key = f"control_{number + 1 - len(report['tasks'])}" if control else f"found_{number + 1}"
        lines = [
            f"  {key}:",
            f"    picture: {json.dumps(names[one['file']])}",
            f"    shows: {json.dumps(one['shows'])}",
            f"    fault: {'none' if control else 'found'}",
        ]
        shared = (_AGAIN if number else _SHARED).format(which=which, labels=own)
        parts += ["\n".join(lines), "\n", shared, "" if control else _scored(one, names), "\n"]
    return {**files, out: ("".join(parts).rstrip() + "\n").encode()}


def _pin(which: str, sha256: str) -> str:
    """The line of `runtime` that pins a dictionary."""
    named = f"{which}_sha256: {sha256}"
    return f"  {named}" if which in ("spatial", "cls") else f"  dictionaries_sha256: {{{which}: {sha256}}}"


def _scored(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """When a task counts as solved, its held-out pictures, and what repairs it."""
    chances, many = one["probability"], len(one["components"])
    goal = f"state.top1 == {quoted(one['shows'])}"
    if one["says"] == one["shows"]:  # a near miss is right from the beginning
        goal = f"state.probability > {(chances['before'] + chances['after']) / 2:.2f}"
    lines = ["    success:", f"      rule: {json.dumps(f'state.suppressed <= {max(3, many)} and {goal}')}"]
    if one["held_out"]:
        lines += ["      held_out: {rule: fixed >= 0.5 and broken <= 0.05, show: false}"]
    every = ", ".join(f"{each['index']}" for each in one["components"])
    cause = f"Suppressing {every} takes {one['shows']} from {chances['before']:.0%} to {chances['after']:.0%}"
    lines += [f"    ground_truth: {{cause: {json.dumps(cause)}, hidden: true}}"]
    if one["held_out"]:
        lines += ["    similar:                        # fail in the same way; no participant meets them"]
        lines += [f"      {json.dumps(names[each['file']])}: {json.dumps(each['shows'])}" for each in one["held_out"]]
    return "\n".join(lines) + "\n"


def quoted(label: str) -> str:
    """A class as a rule of a script writes it: "carpenter's kit" between the other quotes.

    Raises:
        TillerError: it holds both kinds of quotes, and no rule can write it.
    """
    if "'" not in label:
        return f"'{label}'"
    if '"' not in label:
        return f'"{label}"'
    raise TillerError(
        f"Class {label!r} holds an apostrophe and a double quote, and no rule of a script can write it; rename it."
    )


def _copied(images: Path, one: Mapping[str, Any], folder: Path) -> tuple[Path, bytes]:
    """Where a picture is to lie beside the script; what pages cannot show is made a PNG, pixel for pixel."""
    from core.pictures import open_image

    source = images / one["file"]
    content, suffix = source.read_bytes(), source.suffix.lower()
    if hashlib.sha256(content).hexdigest() != one["sha256"]:
        raise TillerError(f"'{source}' was changed while tasks were looked for; run the command again.")
    if suffix not in PICTURES:
        file = io.BytesIO()
        open_image(content).save(file, "PNG")
        content, suffix = file.getvalue(), ".png"
    return folder / f"{one['sha256'][:12]}{suffix}", content


def _id(stem: str) -> str:
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in stem.lower()).strip("-")
    return kept or "found"
