"""Debugging tasks are pictures that the demo model gets wrong for a known reason, and that can be repaired."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.demo.figures import failures, populations, repaired_by, without_cue
from core.demo.pool import Progress, silent
from core.demo.recipes import Recipe, Split, claimed, misbadged, misnamed, misplaced, truths
from core.demo.world import Truth
from core.model import Clip
from core.sae import SparseAutoencoder

KINDS: dict[str, Recipe] = {"word": misnamed, "scene": misplaced, "badge": misbadged}
PER_KIND = 6
SIMILAR = 12
_TRIED = 24  # failures of each kind that are tried, most clearly wrong first


@dataclass(frozen=True, slots=True)
class Task:
    """A failing picture, what it shows, what the model says instead, and other failures of the same kind."""

    kind: str
    truth: Truth
    wrong: str
    confidence: float  # of the wrong label
    repaired: float  # probability of the right label under the plan that attribution picks
    suppressed: tuple[int, ...]  # that plan's components
    similar: tuple[Truth, ...]


def chosen_tasks(model: Clip, sae: SparseAutoencoder, candidates: int, *, progress: Progress = silent) -> list[Task]:
    """Up to PER_KIND tasks of each kind, the surest mistakes first, among those that suppression repairs."""
    chosen: list[Task] = []
    for place, (kind, recipe) in enumerate(KINDS.items()):
        wrong = truths(Split.TASKS, candidates, recipe, start=place * 1_000_000)
        shown = populations(model, {"wrong": wrong, "away": [without_cue(one, kind) for one in wrong]})
        failing = failures(model.labels, shown["wrong"], shown["away"])
        tried: list[Task] = []
        for index in failing[:_TRIED]:
            pixels = shown["wrong"].pixels[index : index + 1]
            before = model.predict(model.activations(pixels))
            plan, after = repaired_by(model, sae, pixels)
            # the mistake must be the cue's own, or the task has another cause than it says
            if before.top == claimed(wrong[index]) and after.top == wrong[index].thing:
                others = tuple(wrong[other] for other in failing if other != index)[:SIMILAR]
                sure, mended = before.prob(before.top), after.prob(after.top)
                suppressed = tuple(edit.component for edit in plan)
                tried.append(Task(kind, wrong[index], before.top, sure, mended, suppressed, others))
        tried.sort(key=lambda task: -task.confidence * task.repaired)
        chosen += tried[:PER_KIND]
        progress("choosing tasks", place + 1, len(KINDS))
    return chosen


def write_tasks(
    model: Clip,
    sae: SparseAutoencoder,
    tasks: Sequence[Task],
    out: Path,
    write_pictures: Callable[[Sequence[Truth]], tuple[str, ...]],
) -> None:
    """`tasks.json`, all of them with their known causes, and `tasks.csv`, the first of each kind.

    A task whose shipped file no longer fails, or is no longer repaired, is left out: compression may change a close
    call.
    """
    kept = []
    for task in tasks:
        (name,) = write_pictures([task.truth])
        pixels = model.pixels(out / "images" / name)
        said = model.predict(model.activations(pixels)).top
        if said != task.wrong or repaired_by(model, sae, pixels)[1].top != task.truth.thing:
            continue
        kept.append(
            {
                "kind": task.kind,
                "file": name,
                "truth": task.truth.thing,
                "wrong": task.wrong,
                "cause": {"word": f"word:{task.truth.word}", "scene": f"scene:{task.truth.scene}", "badge": "badge"}[
                    task.kind
                ],
                "confidence": round(task.confidence, 4),
                "repaired": round(task.repaired, 4),
                "suppressed": task.suppressed,
                "similar": write_pictures(task.similar),
                "similar_truth": [one.thing for one in task.similar],
            }
        )
    (out / "tasks.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    with (out / "tasks.csv").open("w", newline="", encoding="utf-8") as table:
        rows = csv.writer(table)
        rows.writerow(("kind", "file", "truth"))
        for kind in KINDS:
            rows.writerows([(kind, one["file"], one["truth"]) for one in kept if one["kind"] == kind][:1])
