"""The demo bundle's folder: pictures under opaque names, cards, reference set and tasks, and the seal over them all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from core.bundle import seal
from core.demo.cards import component_statistics, peaks, write_index
from core.demo.pool import MODEL_SIDE, Progress
from core.demo.recipes import HELD_OUT, Split, crossed, truths
from core.demo.relations import relations_of
from core.demo.tasks import chosen_tasks, write_tasks
from core.demo.training import MEAN, STD
from core.demo.world import CONCEPTS, Truth, draw, write_truths
from core.model import Clip
from core.sae import SparseAutoencoder

IMAGES = "images"
_QUALITY = 86  # of WebP; the model sees the shipped file, not the drawing
_AT_ONCE = 64


def image_config() -> dict[str, Any]:
    """open_clip's preprocessing, the same as `pool.seen_small` and `training.as_pixels` together."""
    return {"size": MODEL_SIDE, "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}


def opaque(truth: Truth) -> str:
    """A file name that says nothing."""
    return hashlib.sha256(f"tiller/{truth!r}".encode()).hexdigest()[:12] + ".webp"


def write_pictures(shown: Sequence[Truth], folder: Path, stage: str, progress: Progress) -> tuple[str, ...]:
    """Draw pictures into `folder` under opaque names, and return those."""
    for place, truth in enumerate(shown):
        draw(truth).save(folder / opaque(truth), quality=_QUALITY, method=6)
        progress(stage, place + 1, len(shown))
    return tuple(map(opaque, shown))


def write_known(
    model: Clip,
    saes: Mapping[str, SparseAutoencoder],
    out: Path,
    *,
    index: int,
    reference: int,
    candidates: int,
    progress: Progress,
) -> None:
    """Cards, the held-out reference set and the tasks, all of them read from the files that ship."""
    write_cards(model, saes, out, index, progress)
    held = truths(Split.REFERENCE, reference, HELD_OUT)
    files = write_pictures(held, out / IMAGES, "drawing the reference set", progress)
    write_truths(held, files, out / "reference.csv")
    tasks = chosen_tasks(model, saes["spatial"], candidates, progress=progress)
    write_tasks(
        model, saes["spatial"], tasks, out, lambda some: write_pictures(some, out / IMAGES, "drawing tasks", progress)
    )


def write_cards(model: Clip, saes: Mapping[str, SparseAutoencoder], out: Path, index: int, progress: Progress) -> None:
    """What each dictionary's components fire on, over pictures of their own."""
    shown = truths(Split.INDEX, index, crossed)
    names = write_pictures(shown, out / IMAGES, "drawing exemplars", progress)
    concepts = {concept: [concept in one.concepts for one in shown] for concept in CONCEPTS}
    pixels = [model.pixels(out / IMAGES / name) for name in names]
    for which, sae in saes.items():
        cut = model.at(sae.block)
        with torch.no_grad():
            x = torch.cat(
                [cut.activations(torch.cat(pixels[at : at + _AT_ONCE])) for at in range(0, len(pixels), _AT_ONCE)]
            )
            vectors = cut.embedding(x)
        codes = sae.encode(x)
        relations = relations_of(peaks(codes), vectors, sae.dictionary)
        write_index(component_statistics(codes, names, concepts=concepts, relations=relations), out / f"{which}.json")


def seal_folder(out: Path, model: Clip) -> None:
    """`bundle.json`, with a digest of every file; pictures of an earlier build go."""
    wanted = _pictures_named(out)
    for path in (out / IMAGES).iterdir():
        if path.name not in wanted:
            path.unlink()
    also = [f"{IMAGES}/{name}" for name in sorted(wanted)] + ["tasks.csv", "tasks.json"]
    seal(
        out,
        {
            "model": {
                "name": model.name,
                "config": "model.json",
                "weights": "model.safetensors",
                "image": image_config(),
            },
            "labels": list(model.labels),
            "templates": list(model.templates),
            "dictionaries": {
                name: {"sae": f"{name}.safetensors", "index": f"{name}.json"} for name in ("spatial", "cls")
            },
            "reference": {"images": IMAGES, "table": "reference.csv"},
        },
        also=tuple(also),
    )


def _pictures_named(out: Path) -> set[str]:
    """Every picture that a card, the reference table or a task names."""
    named: set[str] = set()
    for which in ("spatial", "cls"):
        for card in json.loads((out / f"{which}.json").read_text(encoding="utf-8")):
            named.update(*(card[f"exemplars_{band}"] for band in ("top", "middle", "low")))
    named.update(line.split(",", 1)[0] for line in (out / "reference.csv").read_text().splitlines()[1:])
    for task in json.loads((out / "tasks.json").read_text(encoding="utf-8")):
        named.update((task["file"], *task["similar"]))
    return named
