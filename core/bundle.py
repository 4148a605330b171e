"""A bundle is a folder whose parts belong together and say so: model, dictionaries, what is known of them, pictures.

The folder holds `bundle.json`; every other name below is its author's choice, relative to the folder:

    {"format": "tiller-bundle", "version": 1,
     "model": {"name": "...", "config": "model.json", "weights": "model.safetensors",
               "image": {"size": 64, "mean": [...], "std": [...], "interpolation": "bicubic",
                         "resize_mode": "shortest"}},
     "labels": ["apple", ...], "templates": ["a photo of a {}", ...],
     "dictionaries": {"spatial": {"sae": "spatial.safetensors", "index": "spatial.json"},
                      "cls":     {"sae": "cls.safetensors",     "index": "cls.json"}},
     "reference": {"images": "images", "table": "reference.csv"},
     "published": {"explained": {"value": 0.84, "tolerance": 0.05, "source": "..."}, ...},  (may be left out)
     "sha256": {"model.json": "...", "model.safetensors": "...", ...}}

`config` holds the arguments of open_clip's `CLIP` class (embed_dim, vision_cfg, text_cfg, quick_gelu); `weights` its
state dict, where half precision may save space (it is computed in single precision, and digests are taken of that).
`image` is open_clip's `PreprocessCfg`. The tokenizer is open_clip's own, at the configuration's context length. A
dictionary file is in the native format (`core.checkpoints.native`); its header's block says where the model is cut.
An index is a JSON list of `core.types.Component` fields, null for NaN. The table is a CSV with columns `file` (in the
images folder) and `truth` (one of the labels), and others as its author likes. `sha256` covers at least every file
named above except the pictures; whatever it lists is checked. `seal` writes it.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from core.checkpoints.gate import check_gate
from core.checkpoints.native import load_native
from core.index import read_index
from core.model import Clip
from core.ripple import ReferenceSet, build_reference
from core.sae import SparseAutoencoder
from core.types import Component, MissingArtefact, TillerError

FORMAT, VERSION = "tiller-bundle", 1
PICTURES_AT_ONCE = 32

Which = Literal["spatial", "cls"]


@dataclass(frozen=True, eq=False)
class Bundle:
    """What one instrument needs; shared by all threads, never written to. `fingerprint` is what the log pins."""

    model: Clip
    sae: SparseAutoencoder
    index: tuple[Component, ...]
    reference: ReferenceSet
    images: Path
    fingerprint: Mapping[str, str]
    published: Mapping[str, Any] = field(default_factory=dict)  # figure: {"value", "tolerance", "source"}


def load_bundle(folder: Path, which: str = "spatial") -> Bundle:
    """Load the bundle in `folder` with its dictionary `which`, and run its reference pictures through the model.

    Raises:
        MissingArtefact: a file is missing or differs from the digest it was sealed with.
        TillerError: the parts do not belong together.
    """
    folder = Path(folder)
    said = description_of(folder)
    model, sae, index = load_instrument(folder, which)
    images = folder / said["reference"]["images"]
    with (folder / said["reference"]["table"]).open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    names = tuple(row["file"] for row in rows)
    strange = {row["truth"] for row in rows} - set(model.labels)
    if strange:
        raise TillerError(
            f"The reference table of {folder} has truth {', '.join(sorted(strange))}, and the labels are "
            f"{', '.join(model.labels)}; make the bundle again."
        )
    truth = [model.labels.index(row["truth"]) for row in rows]
    reference = build_reference(model, sae, _batches(model, images, names), truth, names)
    check_gate(sae, model, reference.activations)
    fingerprint = {
        "bundle": file_digest(folder / "bundle.json"),
        "model": model.name,
        "weights": model.digest,
        "sae": sae.digest,
        "block": str(model.block),
    }
    return Bundle(model, sae, index, reference, images, fingerprint, said.get("published", {}))


def load_instrument(folder: Path, which: str = "spatial") -> tuple[Clip, SparseAutoencoder, tuple[Component, ...]]:
    """The model, cut at the block of its dictionary `which`, the dictionary, and its index; no reference set."""
    folder = Path(folder)
    said = description_of(folder)
    if which not in said["dictionaries"]:
        raise TillerError(
            f"Dictionary '{which}' was asked for; {folder} has {', '.join(said['dictionaries'])}: name one of them."
        )
    named = said["dictionaries"][which]
    sae = load_native(folder / named["sae"])
    weights = {name: tensor.float() for name, tensor in load_file(folder / said["model"]["weights"]).items()}
    model = Clip.build(
        _json(folder / said["model"]["config"]),
        weights,
        said["model"]["image"],
        name=said["model"]["name"],
        block=sae.block,
        labels=said["labels"],
        templates=said["templates"],
    )
    sae.check(model)
    return model, sae, read_index(folder / named["index"])


def seal(folder: Path, description: Mapping[str, Any], *, also: tuple[str, ...] = ()) -> None:
    """Write `bundle.json`: the `description` as above, less format, version and sha256, with the digests of its files.

    Args:
        also: further files of the folder whose digests are to be kept and checked, such as each picture.
    """
    said = {"format": FORMAT, "version": VERSION, **description}
    said["sha256"] = {name: file_digest(folder / name) for name in (*_named(said), *also)}
    (folder / "bundle.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def description_of(folder: Path) -> dict[str, Any]:
    """What `bundle.json` says, once every file that it seals has been found whole.

    Raises:
        MissingArtefact: a file is missing or differs from the digest it was sealed with.
    """
    path = folder / "bundle.json"
    if not path.is_file():
        raise MissingArtefact(f"No bundle at {path}; run `tiller demo build`, or name the folder of another bundle.")
    said = _json(path)
    if said.get("format") != FORMAT or said.get("version") != VERSION:
        raise TillerError(
            f"{path} says format {said.get('format')!r}, version {said.get('version')!r}; this reads {FORMAT!r}, "
            f"version {VERSION}: make the bundle again."
        )
    wrong = [f"{name} has no digest" for name in _named(said) if name not in said["sha256"]]
    for name, digest in said["sha256"].items():
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing")
        elif file_digest(folder / name) != digest:
            wrong.append(f"{name} is not the file that was sealed")
    if wrong:
        raise MissingArtefact(f"The bundle in {folder} is not whole: {'; '.join(wrong)}; make or fetch it again.")
    return said


def _named(said: Mapping[str, Any]) -> tuple[str, ...]:
    dictionaries = [name for one in said["dictionaries"].values() for name in (one["sae"], one["index"])]
    return (said["model"]["config"], said["model"]["weights"], *dictionaries, said["reference"]["table"])


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as wrong:
        raise TillerError(f"{path} is not JSON ({wrong}); make or fetch the bundle again.") from wrong


def _batches(model: Clip, images: Path, names: tuple[str, ...]) -> Iterator[Float[Tensor, "b 3 h w"]]:
    for start in range(0, len(names), PICTURES_AT_ONCE):
        yield torch.cat([model.pixels(images / name) for name in names[start : start + PICTURES_AT_ONCE]])
