"""A bundle from a model, dictionaries as published and a folder of pictures; each step is kept until all are done."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.bundle_order import BundleOrder, Checked, check_order
from core.bundle_plan import NAMED, PLAN, is_begun
from core.bundle_writing import write_bundle
from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import NATIVE, Checkpoint
from core.checkpoints.decision import Decision, decision_of
from core.checkpoints.formats import READERS, read_checkpoint
from core.checkpoints.gate import accept
from core.checkpoints.native import load_native, read_header, save_native
from core.checkpoints.places import refuse_place
from core.checkpoints.refusals import refuse_contents
from core.checkpoints.sample import gather
from core.checksum import checksum_of
from core.indexing.build import build_index
from core.indexing.draws import stratified
from core.indexing.kept import held, settle_plan
from core.indexing.layout import IndexFile
from core.indexing.order import Order
from core.model import Clip
from core.pictures import picture_in
from core.types import EMBEDDING, TillerError

Progress = Callable[[str, int, int], None]
Stopping = Callable[[], AbstractContextManager[Callable[[], bool]]]
_SALT = 5  # of the draw of the reference pictures


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an order; `seconds` by step, nearly 0 for one that had been done before.

    `reference` is how many labelled pictures there are; `broken` are files that could not be read, with the reason.
    """

    labels: tuple[str, ...]
    decisions: Mapping[str, Decision]
    images: int
    broken: tuple[str, ...]
    reference: int
    seconds: Mapping[str, float]


def make_bundle(order: BundleOrder, *, progress: Progress, stopping: Stopping | None = None) -> Made:
    """Make the bundle that `order` describes, or go on with it where it was cut off.

    It may be interrupted anywhere, for each step is kept whole or not at all.

    Args:
        stopping: around each index, whose batches are counted together: gives what is asked after each of them, and
            once that says so, what is counted is kept.

    Raises:
        TillerError: something that the order names is wrong.
        Stopped: as `stopping` has said.
        CheckpointRefused: a dictionary did not pass the gate; nothing is left of the work then.
    """
    checked = check_order(order)
    work, clock = order.work, _Clock()
    work.mkdir(parents=True, exist_ok=True)
    with held(work):
        if not is_begun(work):
            (work / PLAN).unlink(missing_ok=True)
        settle_plan(work / PLAN, checked.plan, what="a bundle", named=NAMED)
        try:
            natives, indexes = _read(order, checked, clock, progress, stopping or _unasked)
        except BaseException as wrong:
            if isinstance(wrong, CheckpointRefused) or not is_begun(work):
                shutil.rmtree(work)
            raise
        rows = _write_table(order, [IndexFile(path) for path in indexes.values()], work / "reference.csv")
        progress("writing the bundle", 0, 1)
        write_bundle(
            order.folder,
            model=order.model,
            weights=order.weights,
            dictionaries={which: (natives[which], indexes[which]) for which in natives},
            labels=checked.labels,
            templates=order.templates,
            table=work / "reference.csv",
            images=order.images,
            name=order.name,
            published=order.published,
            preset=order.preset,
        )
        progress("writing the bundle", 1, 1)
        clock.note("writing")
        first = IndexFile(next(iter(indexes.values())))
        decisions = {which: Decision.from_json(read_header(path)["gate"]) for which, path in natives.items()}
        shutil.rmtree(work)
    broken = tuple(first.texts("broken"))
    return Made(checked.labels, decisions, first.heading["images"]["used"], broken, rows, clock.seconds)


def _read(
    order: BundleOrder, checked: Checked, clock: _Clock, progress: Progress, stopping: Stopping
) -> tuple[dict[str, Path], dict[str, Path]]:
    """The native file and the index of each dictionary; the model is let go of at the end."""
    natives, waiting = _natives(order)
    for which in waiting:
        _checkpoint(order, which)  # what its file alone tells is refused before a model is waited for
    clip = Clip.load(
        order.model,
        order.weights,
        block=-1,
        labels=checked.labels,
        templates=order.templates,
        device=order.device,
    )
    clock.note("model")
    _accept(order, checked, clip, natives, waiting, progress)
    clock.note("gate")
    indexes: dict[str, Path] = {}
    for which, native in natives.items():
        indexes[which] = order.work / f"{which}.index"
        if indexes[which].is_file():
            continue
        sae = load_native(native, device=order.device)
        asked = Order(
            images=order.images,
            out=indexes[which],
            vocabulary=checked.words,
            pretrained=str(order.weights or ""),
            batch=order.batch,
            threads=order.threads,
            truths=order.truths,
            from_folders=order.from_folders,
            readers=order.readers,
            cache=order.cache,
        )
        with stopping() as stop:
            build_index(sae.cut(clip), sae, asked, progress=_of(which, progress), stop=stop)
        clock.note(f"index {which}")
    return natives, indexes


def _natives(order: BundleOrder) -> tuple[dict[str, Path], list[str]]:
    """Each dictionary's native file, the one that came or one in the work folder; and those still to be written."""
    places = {
        which: given.path if _is_gated(given.path) else order.work / f"{which}.safetensors"
        for which, given in order.dictionaries.items()
    }
    return places, [which for which, path in places.items() if not path.is_file()]


def _accept(
    order: BundleOrder,
    checked: Checked,
    clip: Clip,
    places: Mapping[str, Path],
    waiting: Sequence[str],
    progress: Progress,
) -> None:
    """Write the native files that are waited for as the gate decides; refuse those there that are of another model."""
    for which, path in places.items():
        if which in waiting:
            refuse_contents(_checkpoint(order, which), clip)
        else:
            load_native(path).cut(clip)
    if not waiting:
        return
    sample = gather(clip, checked.pictures, progress=progress)
    for which in waiting:
        said = f"{which}: weighing the readings"
        progress(said, 0, 1)
        accepted = accept(_checkpoint(order, which), clip, sample, published=order.dictionaries[which].published)
        save_native(accepted, places[which])
        progress(said, 1, 1)


def _checkpoint(order: BundleOrder, which: str) -> Checkpoint:
    given = order.dictionaries[which]
    found = read_checkpoint(given.path)
    refuse_place(found)  # before a block is asked for that would not help
    if found.place is not None:
        return found
    if given.block is None:
        raise TillerError(
            f"{found.source} does not say after which block it was made; make a native file of it first, with `tiller "
            "sae convert --block`, and name that."
        )
    where = "The embedding" if given.block == EMBEDDING else f"Block {given.block}"
    return found.moved(given.block, f"{where} is the preset's; the file says none.")


def _is_gated(path: Path) -> bool:
    return path.is_file() and READERS[NATIVE].recognises(path) and decision_of(read_header(path)) is not None


def _write_table(order: BundleOrder, indexes: list[IndexFile], table: Path) -> int:
    """Pictures with their truth and their digest, as many of each class, of those whose activations each index keeps.

    Which ones is decided by a hash of their place in the list.
    """
    kept: list[dict[str, str]] = []
    for index in indexes:
        names, labels = index.texts("files"), index.heading["labels"]
        pairs = zip(index["reference_images"].tolist(), index["reference_truths"].tolist(), strict=True)
        kept.append({names[place]: labels[truth] for place, truth in pairs if truth >= 0})
    both = sorted(name for name in kept[0] if all(name in one for one in kept))
    if not both:
        raise TillerError(f"None of the pictures of known class in {order.images} can be read; bring others.")
    known = sorted({kept[0][name] for name in both})
    classes = np.array([known.index(kept[0][name]) for name in both])
    chosen = [both[place] for place in stratified(classes, len(both), order.reference, salt=_SALT).tolist()]
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "truth", "sha256"])
        rows.writerows([name, kept[0][name], checksum_of(picture_in(order.images, name))] for name in chosen)
    return len(chosen)


def _of(which: str, progress: Progress) -> Progress:
    return lambda what, done, of: progress(f"{which}: {what}", done, of)


def _unasked() -> AbstractContextManager[Callable[[], bool]]:
    return nullcontext(lambda: False)


class _Clock:
    """Seconds from one note to the next."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def note(self, step: str) -> None:
        now = time.monotonic()
        self.seconds[step], self._since = round(now - self._since, 1), now
