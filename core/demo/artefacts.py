"""The demo's bundle is what one seeded, resumable command writes: drawn, trained, indexed, measured and sealed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.checkpoints.native import load_native, save_native
from core.checksum import checksum_of
from core.convention import Convention, TopK
from core.demo.captions import TEMPLATES
from core.demo.dictionaries import DictionaryCourse, Learned, train_dictionary
from core.demo.figures import Figure, Sample, measure
from core.demo.folder import IMAGES, image_config, seal_folder, write_known
from core.demo.lessons import Course, lessons_of
from core.demo.objects import OBJECTS
from core.demo.pool import Progress, drawn_pool, silent
from core.demo.recipes import BALANCE, EVERYTHING, TRAINING, Split, truths
from core.demo.training import MODEL_CONFIG, as_pixels, train_clip
from core.demo.world import Truth, draw, write_truths
from core.model import Clip
from core.openclip import open_clip
from core.sae import SparseAutoencoder

NAME = "Tiller demo CLIP"
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of a build; the defaults are those of the bundle that ships."""

    pictures: int = 24_000
    balance: int = 8_000
    course: Course = field(default_factory=lambda: Course(epochs=4))
    code_pictures: int = 6_000
    spatial: DictionaryCourse = field(default_factory=lambda: DictionaryCourse(steps=4_000, k=48))
    cls: DictionaryCourse = field(default_factory=lambda: DictionaryCourse(steps=3_000, k=32, seed=6))
    index: int = 480
    reference: int = 320
    candidates: int = 120  # pictures of each kind of failure to choose tasks from
    sample: Sample = field(default_factory=Sample)


def draw_set(n: int, seed: int, out: Path, *, progress: Progress = silent) -> Path:
    """Draw `n` pictures of everything the world holds and return the CSV of their truths; `seed` picks the first."""
    out.mkdir(parents=True, exist_ok=True)
    shown = truths(Split.DRAW, n, EVERYTHING, start=seed * 10_000)
    names = [f"{place:04d}.png" for place in range(n)]
    for place, (name, truth) in enumerate(zip(names, shown, strict=True)):
        draw(truth).save(out / name)
        progress("drawing", place + 1, n)
    table = out / "truth.csv"
    write_truths(shown, names, table)
    return table


def build(
    out: Path, *, work: Path, plan: Plan | None = None, progress: Progress = silent, threads: int | None = None
) -> Path:
    """Write the demo's bundle to `out` and return its manifest.

    What takes long is kept in `work` under the digest of what it was made of, so a build that was cut short goes on
    where it stopped, and a changed recipe never meets an old result.
    """
    plan = plan or Plan()
    if threads is not None:
        torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    (out / IMAGES).mkdir(parents=True, exist_ok=True)
    shown = truths(Split.TRAIN, plan.pictures, TRAINING)
    balance = truths(Split.TRAIN, plan.balance, BALANCE, start=1_000_000)
    drawn, trained = _digest(shown), _digest([shown, balance, plan.course, MODEL_CONFIG])
    clock = _Clock(work / f"minutes-{trained}.json")
    with clock.timing("drawing"):
        pool = drawn_pool(shown, stage="drawing pictures", progress=progress, cache=work / f"pictures-{drawn}.npy")
        kept = work / f"pictures-{_digest(balance)}.npy"
        even = drawn_pool(balance, stage="drawing the balance", progress=progress, cache=kept)
    with clock.timing("CLIP"):
        lessons = lessons_of(plan.course, pool, shown, (even, balance))
        network = train_clip(lessons, plan.course, progress=progress, checkpoint=work / f"clip-{trained}.pt")
    model = _write_model(network, out)
    with clock.timing("dictionaries"):
        saes = _dictionaries(model, pool, plan, work, trained, progress)
    for name, sae in saes.items():
        save_native(sae, out / f"{name}.safetensors")
    with clock.timing("index and tasks"):
        sizes = {"index": plan.index, "reference": plan.reference, "candidates": plan.candidates}
        write_known(model, saes, out, **sizes, progress=progress)
        seal_folder(out, model)
    with clock.timing("figures"):
        figures = measure(out, sample=plan.sample, progress=progress)
    return _write_manifest(out, plan, clock.minutes, figures)


class _Clock:
    """Minutes spent on each stage, over all sittings of one build."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.minutes: dict[str, float] = json.loads(path.read_text()) if path.is_file() else {}

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.minutes[stage] = round(self.minutes.get(stage, 0.0) + (time.monotonic() - begun) / 60, 2)
        self._path.write_text(json.dumps(self.minutes))


def _digest(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]


def _write_model(network: open_clip.CLIP, out: Path) -> Clip:
    (out / "model.json").write_text(json.dumps(MODEL_CONFIG, indent=1) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, out / "model.safetensors")
    return Clip.build(
        MODEL_CONFIG,
        load_file(out / "model.safetensors"),
        image_config(),
        name=NAME,
        block=-2,
        labels=OBJECTS,
        templates=TEMPLATES,
    )


def _dictionaries(
    model: Clip, pool: np.ndarray, plan: Plan, work: Path, trained: str, progress: Progress
) -> dict[str, SparseAutoencoder]:
    """One dictionary for all tokens of the last block but one, one for the class token of the last."""
    shown = truths(Split.CODES, plan.code_pictures, EVERYTHING)
    held = {
        name: work / f"{name}-{_digest([trained, shown, course])}.safetensors"
        for name, course in (("spatial", plan.spatial), ("cls", plan.cls))
    }
    if all(path.is_file() for path in held.values()):
        return {name: load_native(path) for name, path in held.items()}
    fresh = drawn_pool(
        shown, stage="drawing pictures for codes", progress=progress, cache=work / f"pictures-{_digest(shown)}.npy"
    )
    last = model.at(-1)
    spatial, cls = _activations(model, last, fresh, "reading activations", progress)
    more = _activations(model, last, pool, "reading class tokens", progress)[1]
    width = spatial.shape[2]
    # class tokens are one in 65 and carry what the picture means: they get an eighth of every batch
    one = train_dictionary(
        spatial.reshape(-1, width),
        plan.spatial,
        favoured=spatial[:, 0].clone(),
        share=0.125,
        progress=progress,
        stage="training spatial dictionary",
    )
    del spatial
    two = train_dictionary(
        torch.cat([cls, more]), plan.cls, favoured=cls, share=0.5, progress=progress, stage="training cls dictionary"
    )
    made = {
        "spatial": _autoencoder(one, model, "all", plan.spatial, shown),
        "cls": _autoencoder(two, last, "cls", plan.cls, shown),
    }
    for name, sae in made.items():
        save_native(sae, held[name])
    return made


@torch.no_grad()
def _activations(model: Clip, last: Clip, pool: np.ndarray, stage: str, progress: Progress) -> tuple[Tensor, Tensor]:
    """All tokens at `model`'s block (kept only for small pools) and the class token after the last."""
    spatial, cls = [], []
    keep = stage == "reading activations"
    for start in range(0, len(pool), _AT_ONCE):
        pixels = as_pixels(pool[start : start + _AT_ONCE])
        cls.append(last.activations(pixels)[:, 0].clone())
        if keep:
            spatial.append(model.activations(pixels))
        progress(stage, min(start + _AT_ONCE, len(pool)), len(pool))
    return torch.cat(spatial) if keep else torch.empty(0, 0, 0), torch.cat(cls)


def _autoencoder(
    learned: Learned, model: Clip, tokens: Any, course: DictionaryCourse, shown: Sequence[Truth]
) -> SparseAutoencoder:
    header = {
        "model": model.name,
        "weights": model.digest,
        "block": model.block,
        "training": {"pictures": len(shown), "drawn_from": "EVERYTHING", **asdict(course)},
    }
    return SparseAutoencoder(
        learned.encoder.T.contiguous(),
        learned.encoder_bias,
        learned.dictionary,
        learned.bias,
        convention=Convention(TopK(learned.k), tokens=tokens),
        header=header,
    )


def _write_manifest(out: Path, plan: Plan, minutes: Mapping[str, float], figures: Sequence[Figure]) -> Path:
    """What was built, of what, in how long, and what it can do."""
    path = out / "manifest.json"
    files = sorted(one for one in out.rglob("*") if one.is_file() and one != path)
    said = {
        "built_by": "tiller demo build",
        "plan": asdict(plan),
        "seeds": {split.name.lower(): split.value for split in Split},
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "pillow", "numpy")},
        "minutes": {**minutes, "total": round(sum(minutes.values()), 2)},
        "figures": [asdict(figure) for figure in figures],
        "bytes": sum(one.stat().st_size for one in files),
        "sha256": {one.relative_to(out).as_posix(): checksum_of(one) for one in files},
    }
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path
