"""The pictures that tasks ask for: the bundle's by kind, and a script's own from the folder beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.task_pictures import TaskPicture, opaque_name, pictures_by_kind, right_pictures, strange_in
from core.types import TillerError
from study.script.tasks import PICTURES

if TYPE_CHECKING:
    from core.bundle import Bundle
    from study.script import StudyScript, Task


def task_pictures(
    folder: Path, bundles: Mapping[str, Bundle], script: StudyScript, beside: Path
) -> dict[str, TaskPicture]:
    """Every picture of the bundle in `folder` by its kind, and those of `script` that lie in `beside`, by their name.

    A kind's pictures are `word`, `word_2` and so on; `right`, `right_2` are those that the model gets right.

    Raises:
        TillerError: with every task whose picture or class names do not fit.
    """
    bundle = next(iter(bundles.values()))
    there = {**pictures_by_kind(folder, bundle.images), **right_pictures(bundle)}
    wrong: list[str] = []
    for key, task in script.tasks.items():
        labels, where = task.labels or bundle.model.labels, f"tasks.{key}"
        if task.is_own_picture and (path := beside / task.picture).is_file():  # the script's reader kept it inside
            there[task.picture] = TaskPicture(opaque_name(path), str(task.shows), _similar(task, beside), path)
        if task.picture not in there:
            wrong.append(f"{where}.picture: {task.picture!r} is not there; {_known(there)}.")
        elif there[task.picture].label not in labels:
            wrong.append(f"{where}: it shows {there[task.picture].label!r}, none of {', '.join(labels)}.")
        if strange := sorted(set(task.similar.values()) - set(labels)):
            wrong.append(f"{where}.similar: {', '.join(strange)} is none of {', '.join(labels)}.")
        elif task.picture in there and _counts_similar(task) and (said := strange_in(there[task.picture], labels)):
            wrong.append(
                f"{where}: {said[0].lower()}{said[1:]}; add those classes, or leave out similar and success.held_out."
            )
    if wrong:
        raise TillerError(f"The study script does not fit the bundle in {folder}; mend it.\n" + "\n".join(wrong))
    return there


def refuse_another_runtime(folder: Path, bundles: Mapping[str, Bundle], script: StudyScript) -> None:
    """Refuse a bundle in `folder` that is of another preset than the script names, or has not the digests it pins.

    Raises:
        TillerError: naming what differs.
    """
    pinned = script.runtime
    if wrong := another_preset(folder, pinned.preset):
        raise TillerError(wrong)
    model = next(iter(bundles.values())).model.digest
    pairs = [("model_sha256", pinned.model_sha256, model)]
    named = {"spatial": pinned.spatial_sha256, "cls": pinned.cls_sha256, **pinned.dictionaries_sha256}
    pairs += [(f"{which}_sha256", named.get(which), bundle.sae.digest) for which, bundle in bundles.items()]
    for name, wanted, found in pairs:
        if wanted is not None and wanted != found:
            raise TillerError(
                f"The script pins runtime.{name} to the digest {wanted[:12]}; the bundle has {found[:12]}: name the "
                "bundle that the study was made with, or pin this one under a new version."
            )


def another_preset(folder: Path, preset: str | None) -> str:
    """In one sentence, that the bundle in `folder` is not of `preset`, and what to do; "" where it is or none is named.

    `tiller bundle make` writes the preset's name into `bundle.json`.
    """
    if preset is None:
        return ""
    sealed = folder / "bundle.json"
    found = json.loads(sealed.read_text(encoding="utf-8")).get("preset") if sealed.is_file() else None
    if found == preset:
        return ""
    return (
        f"runtime.preset: the script is for {preset}, and the bundle in {folder} is "
        f"{f'of {found}' if found else 'of no preset'}; get it with `tiller fetch {preset}`, make a bundle of it "
        f"with `tiller bundle make FOLDER --preset {preset} --images DIR`, and name that folder in TILLER_BUNDLE."
    )


def _counts_similar(task: Task) -> bool:
    """Whether like failures are counted in a task, by its participant or after it."""
    return "similar" in task.tools or (task.success is not None and task.success.held_out is not None)


def _similar(task: Task, beside: Path) -> tuple[tuple[Path, str], ...]:
    return tuple((beside / name, shows) for name, shows in task.similar.items())


def pictures_beside(folder: Path) -> list[Path]:
    """Every picture in the folder of a script, for whoever runs a logged state again."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES and path.is_file()]


def _known(there: Mapping[str, TaskPicture]) -> str:
    counts = Counter(kind.partition("_")[0] for kind in there if "." not in kind)
    some = ", ".join(f"{kind} to {kind}_{count}" if count > 1 else kind for kind, count in counts.items())
    return f"there are {some}, and pictures beside the script"
