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
     "preset": "...", "published": {"cls": {"explained": {"value": 0.84, "tolerance": 0.05, "source": "..."}}},
     "sha256": {"model.json": "...", "model.safetensors": "...", ...}}

`config` holds the arguments of open_clip's `CLIP` class (embed_dim, vision_cfg, text_cfg, quick_gelu); `weights` its
state dict, where half precision may save space (it is computed in single precision, and digests are taken of that).
`image` is open_clip's `PreprocessCfg`. The tokenizer is open_clip's own, at the configuration's context length. A
dictionary file is in the native format (`core.checkpoints.native`); its header's block says where the model is cut.
Dictionaries may have any names; `spatial` is where the margin is followed through blocks, `cls` where it is shared out
exactly, and each serves where a command names none. A model of full size is named in another way:

     "model": {"name": "...", "architecture": "model", "weights": "model/open_clip_model.safetensors", "digest": "..."}

with `architecture` a folder of the bundle that holds open_clip_config.json, or what `core.sources.find_source` takes;
`digest` is `core.weights.weights_digest`. `images` may be an absolute folder. `published` says what was published of
each dictionary, by the names of `core.health.Health.figures`; it and `preset` may be left out.

An index is a file of `tiller index build` (`data/docs/index.md`), or a JSON list of `core.types.Component` fields, null
for NaN. The table is a CSV with columns `file` (in the images folder) and `truth` (one of the labels), and any others.
With a column `sha256` of the pictures, what an index keeps of all of them is taken in place of another pass. `sha256`
above covers at least every file named above except the pictures; whatever it lists is checked. `seal` writes it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from core.checkpoints.gate import check_gate
from core.checkpoints.native import load_native
from core.checksum import checksum_of
from core.description import FORMAT, VERSION, read_description, read_json
from core.index import Index, read_index
from core.kept_reference import reference_of
from core.model import Clip
from core.pictures import picture_in
from core.reference import build_references
from core.ripple import ReferenceSet
from core.sae import SparseAutoencoder
from core.sources import CONFIG
from core.types import MissingArtefact, TillerError

PICTURES_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Bundle:
    """What one instrument needs; shared by all threads, never written to. `fingerprint` is what the log pins."""

    model: Clip
    sae: SparseAutoencoder
    index: Index
    reference: ReferenceSet
    images: Path
    fingerprint: Mapping[str, str]
    published: Mapping[str, Any] = field(default_factory=dict)  # by figure: value, tolerance, source
    own_pictures: bool = True  # whether the pictures lie in the bundle, under names that participants may read


def load_bundle(folder: Path, which: str = "spatial") -> Bundle:
    """Load the bundle in `folder` with its dictionary `which`, and run its reference pictures through the model.

    Raises:
        MissingArtefact: a file is missing or differs from the digest it was sealed with.
        TillerError: the parts do not belong together.
    """
    return load_bundles(folder, [which])[which]


def load_bundles(
    folder: Path, wanted: Iterable[str], *, device: str = "cpu", dtype: str = "float32"
) -> dict[str, Bundle]:
    """The same for several dictionaries: they share the model, and those of one block the reference set's activations.

    Args:
        device: as in `Clip.load`.
        dtype: as in `Clip.load`.
    """
    folder = Path(folder)
    said = description_of(folder)
    model, parts = _instruments(folder, said, wanted, device, dtype)
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
    saes = {which: sae for which, (sae, _) in parts.items()}
    references: dict[str, ReferenceSet] = {}
    if all(_is_whole(images, row) for row in rows):
        kept = {
            which: reference_of(index, model.at(sae.block), sae, truth, names) for which, (sae, index) in parts.items()
        }
        references = {which: found for which, found in kept.items() if found is not None}
    if left := {which: sae for which, sae in saes.items() if which not in references}:
        references |= build_references(model, left, _batches(model, images, names), truth, names)
    for which, sae in saes.items():
        check_gate(sae, model.at(sae.block), references[which].activations)
    fingerprint = {"bundle": checksum_of(folder / "bundle.json"), "model": model.name, "weights": model.digest}
    return {
        which: Bundle(
            model=model.at(sae.block),
            sae=sae,
            index=index,
            reference=references[which],
            images=images,
            fingerprint={**fingerprint, "sae": sae.digest, "block": str(sae.block)},
            published=said.get("published", {}).get(which, {}),
            own_pictures=not Path(said["reference"]["images"]).is_absolute(),
        )
        for which, (sae, index) in parts.items()
    }


def load_instrument(
    folder: Path, which: str = "spatial", *, device: str = "cpu", dtype: str = "float32"
) -> tuple[Clip, SparseAutoencoder, Index]:
    """The model, cut at the block of its dictionary `which`, the dictionary, and its index; no reference set."""
    folder = Path(folder)
    model, parts = _instruments(folder, description_of(folder), [which], device, dtype)
    sae, index = parts[which]
    return model.at(sae.block), sae, index


def load_model(folder: Path, *, device: str = "cpu", dtype: str = "float32") -> Clip:
    """The model alone, cut anywhere, for what asks no dictionary; none is opened."""
    return _model(Path(folder), description_of(folder), device, dtype)


def _instruments(
    folder: Path, said: Mapping[str, Any], wanted: Iterable[str], device: str, dtype: str
) -> tuple[Clip, dict[str, tuple[SparseAutoencoder, Index]]]:
    """The model, cut anywhere, and each wanted dictionary with its index."""
    parts: dict[str, tuple[SparseAutoencoder, Index]] = {}
    for which in dict.fromkeys(wanted):
        if which not in said["dictionaries"]:
            raise TillerError(
                f"Dictionary '{which}' was asked for; {folder} has {', '.join(said['dictionaries'])}: name one of them."
            )
        named = said["dictionaries"][which]
        parts[which] = load_native(folder / named["sae"], device=device), read_index(folder / named["index"])
    model = _model(folder, said, device, dtype)
    for sae, index in parts.values():
        sae.cut(model)
        index.check(sae)
    return model, parts


def _model(folder: Path, said: Mapping[str, Any], device: str, dtype: str) -> Clip:
    named, prompts = said["model"], {"labels": said["labels"], "templates": said["templates"]}
    if "architecture" in named:
        inside = folder / named["architecture"]
        architecture = str(inside) if inside.is_dir() else named["architecture"]
        weights = folder / named["weights"]
        clip = Clip.load(architecture, weights, block=0, device=device, dtype=dtype, **prompts)
        if named.get("digest", clip.digest) != clip.digest:
            raise MissingArtefact(
                f"The bundle in {folder} was made with weights of the digest {named['digest'][:12]}, and those in "
                f"{named['weights']} have {clip.digest[:12]}; make or fetch it again."
            )
        return replace(clip, name=named.get("name", clip.name))
    if (device, dtype) != ("cpu", "float32"):
        raise TillerError(f"The model of {folder} computes on cpu in float32; {device} in {dtype} was asked for.")
    weights = {name: tensor.float() for name, tensor in load_file(folder / named["weights"]).items()}
    config = read_json(folder / named["config"])
    return Clip.build(config, weights, named["image"], name=named["name"], block=0, **prompts)


def seal(folder: Path, description: Mapping[str, Any], *, also: tuple[str, ...] = ()) -> None:
    """Write `bundle.json`: the `description` as above, less format, version and sha256, and its files' checksums.

    Args:
        also: further files of the folder whose checksums are to be kept and checked, such as each picture.
    """
    said = {"format": FORMAT, "version": VERSION, **description}
    said["sha256"] = {name: checksum_of(folder / name) for name in (*named_files(folder, said), *also)}
    (folder / "bundle.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def description_of(folder: Path) -> dict[str, Any]:
    """What `bundle.json` says, once every file that it seals has been found whole.

    Raises:
        MissingArtefact: a file is missing or has not the checksum that it was sealed with.
    """
    said = read_description(folder)
    wrong = [f"{name} has no checksum" for name in named_files(folder, said) if name not in said["sha256"]]
    for name, digest in said["sha256"].items():
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing")
        elif checksum_of(folder / name) != digest:
            wrong.append(f"{name} is not the file that was sealed (its checksum is another)")
    if wrong:
        raise MissingArtefact(f"The bundle in {folder} is not whole: {'; '.join(wrong)}; make or fetch it again.")
    return said


def named_files(folder: Path, said: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that a description names, pictures apart."""
    dictionaries = [name for one in said["dictionaries"].values() for name in (one["sae"], one["index"])]
    model = said["model"]
    config = model.get("config")
    if config is None and (folder / model["architecture"] / CONFIG).is_file():
        config = f"{model['architecture']}/{CONFIG}"
    return (*([config] if config else []), model["weights"], *dictionaries, said["reference"]["table"])


def _is_whole(images: Path, row: Mapping[str, str]) -> bool:
    """Whether a row of the table gives its picture's checksum, and the picture is still that one."""
    path = picture_in(images, row["file"])
    return bool(row.get("sha256")) and path.is_file() and checksum_of(path) == row["sha256"]


def _batches(model: Clip, images: Path, names: tuple[str, ...]) -> Iterator[Float[Tensor, "b 3 h w"]]:
    for start in range(0, len(names), PICTURES_AT_ONCE):
        yield torch.cat([model.pixels(picture_in(images, name)) for name in names[start : start + PICTURES_AT_ONCE]])
