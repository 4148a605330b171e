"""A bundle is assembled from files at hand beside its place, tried as a whole, and put there in one move."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from safetensors.torch import save_file
from torch import Tensor

from core.bundle import seal
from core.checkpoints.native import load_native
from core.model import TEMPLATES, Clip
from core.openclip import load_state_dict
from core.pictures import picture_in
from core.sources import CONFIG, WEIGHTS, Source, find_source
from core.types import TillerError


def write_bundle(
    folder: Path,
    *,
    model: str,
    weights: str | Path | None,
    dictionaries: Mapping[str, tuple[Path, Path]],
    labels: Sequence[str],
    templates: Sequence[str] = TEMPLATES,
    table: Path,
    images: Path,
    name: str | None = None,
    published: Mapping[str, Any] | None = None,
    preset: str | None = None,
) -> None:
    """Write the bundle of a model and its dictionaries to `folder`, which must not be there yet.

    Files are linked where the disk is the same, else copied; weights that are no safetensors are written as such, in
    their own precision. Pictures stay where they are.

    Args:
        folder: the bundle's place.
        model: as `core.sources.find_source` takes it.
        weights: a tag or a file, or None for a repository's or folder's own.
        dictionaries: a native file and an index file for each dictionary's name.
        labels: class names.
        templates: prompt templates.
        table: a CSV with the columns `file`, in `images`, and `truth`, one of the labels.
        images: the folder of the pictures.
        name: what the model is called; `model` where None.
        published: figures for each dictionary, as `Preset.published` gives them.
        preset: the preset that all this is of; scripts may ask for it by name.

    Raises:
        TillerError: the parts do not belong together, or something is at the bundle's place already.
    """
    folder, images = Path(folder), Path(images).resolve()
    if folder.exists():
        raise TillerError(f"A bundle was to be written to {folder}, and something is there already; name another.")
    source = find_source(model, weights)
    clip = Clip.load(model, weights, block=0, labels=labels, templates=templates)
    for native, _ in dictionaries.values():
        load_native(native).cut(clip)
    _refuse_table(table, images, clip)
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "model").mkdir(parents=True)
    try:
        _put_model(source, draft / "model")
        for which, (native, index) in dictionaries.items():
            _put(native, draft / f"{which}.safetensors")
            _put(index, draft / _index_name(which, index))
        shutil.copyfile(table, draft / "reference.csv")
        said = {
            "model": {
                "name": name or model,
                "architecture": model if source.tokens else "model",
                "weights": f"model/{WEIGHTS[0]}",
                "digest": clip.digest,
            },
            "labels": list(clip.labels),
            "templates": list(clip.templates),
            "dictionaries": {
                which: {"sae": f"{which}.safetensors", "index": _index_name(which, index)}
                for which, (_, index) in dictionaries.items()
            },
            "reference": {"images": str(images), "table": "reference.csv"},
            "published": dict(published or {}),
            **({"preset": preset} if preset else {}),
        }
        seal(draft, said)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _index_name(which: str, index: Path) -> str:
    return f"{which}.index" if index.suffix == ".index" else f"{which}.index{index.suffix}"


def _put_model(source: Source, folder: Path) -> None:
    said = {"model_cfg": dict(source.config), "preprocess_cfg": dict(source.image)}
    (folder / CONFIG).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    if source.weights.suffix == ".safetensors":
        _put(source.weights, folder / WEIGHTS[0])
        return
    held = cast("dict[str, Any]", load_state_dict(str(source.weights)))
    save_file(
        {part: tensor.contiguous().clone() for part, tensor in held.items() if isinstance(tensor, Tensor)},
        folder / WEIGHTS[0],
    )


def _put(source: Path, place: Path) -> None:
    """Link a file, which costs no room; copy it where no link can be made."""
    try:
        os.link(source.resolve(), place)
    except OSError:
        shutil.copyfile(source, place)


def _refuse_table(table: Path, images: Path, clip: Clip) -> None:
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    lacking = {"file", "truth"} - set(reader.fieldnames or ())
    if lacking or not rows:
        raise TillerError(f"{table} lacks {' and '.join(sorted(lacking)) or 'rows'}; it must list file and truth.")
    gone = [row["file"] for row in rows if not picture_in(images, row["file"]).is_file()]
    strange = sorted({row["truth"] for row in rows} - set(clip.labels))
    if gone or strange:
        raise TillerError(
            f"{table} does not fit: "
            + "; ".join(
                [f"{images} has no {', '.join(gone[:5])}"] * bool(gone)
                + [f"truth {', '.join(strange[:5])} is none of the labels"] * bool(strange)
            )
            + "; mend the table."
        )
