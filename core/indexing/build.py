"""An index from beginning to end: the pass, its parts brought together, names and relations, and the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.indexing.files import adopt, check_images, check_same, list_files, open_files
from core.indexing.kept import Broken, Kept, check_out, held, settle_plan, tidied
from core.indexing.layout import packed, write_file
from core.indexing.naming import names_of, phrase_vectors
from core.indexing.order import Order, Progress, heading_of, plan_of
from core.indexing.passing import Pass, Passed, Stopped, reference_images
from core.indexing.plan import NAMED
from core.indexing.relations import neighbours, partners
from core.indexing.shares import Share
from core.indexing.statistics import statistics_of
from core.indexing.tally import Tally, starts_of, whole
from core.model import Clip
from core.sae import SparseAutoencoder
from core.types import TillerError, many

_COMPONENTS_AT_ONCE = 512


def build_index(
    model: Clip,
    sae: SparseAutoencoder,
    order: Order,
    *,
    progress: Progress,
    share: Share | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Build the index that `order` describes, or go on with it where it was cut off, and return its file.

    With the same order the file has the same bytes, however often it was cut off and however many processes shared
    it; another count of threads, another device or another torch may round codes otherwise.

    Args:
        share: this process's part, where several have been started with the same arguments.
        stop: asked after each batch; once it says so, what is counted is kept and the build ends.

    Raises:
        TillerError: there is an index already, no picture can be read, or something else is being built there.
    """
    share = share or Share(device=model.text.device.type)
    sae.check(model)
    torch.set_num_threads(order.threads)

    def told(what: str, done: int, of: int) -> None:
        """Progress after the pass, when all is counted and only Ctrl-C is to be heard."""
        progress(what, done, of)
        if stop():
            raise Stopped(
                f"Stopped while {what}; what was counted of the pictures is kept in {order.work}: the same command "
                "goes on there, and begins this step anew."
            )

    with ExitStack() as stack:
        if share.first:
            _begin(model, sae, order, share, stack)
        share.wait()
        files = open_files(order.work)
        one = Pass(model, sae, files, order, share, reference_images(model, files))
        passed = one.run(progress, stop)
        share.wait()
        arrays, heading = _brought_together(one, passed, told)
        if share.first:
            write_file(order.out, heading, arrays)
            shutil.rmtree(order.work)
        share.wait()
    return order.out


def _begin(model: Clip, sae: SparseAutoencoder, order: Order, share: Share, stack: ExitStack) -> None:
    """Claim the work folder and list the files, or refuse."""
    check_out(order.out)
    check_images(order.images, order.truths)
    made = not order.work.exists()
    order.work.mkdir(parents=True, exist_ok=True)
    stack.enter_context(held(order.work))
    stack.enter_context(tidied(order.work, made=made))
    settle_plan(order.work / "plan.json", plan_of(model, sae, order, share.count), named=NAMED)
    listed = order.work / "listed"
    listed.mkdir(exist_ok=True)
    files = list_files(order.images, listed, truths=order.truths, from_folders=order.from_folders)
    if (order.work / "list").is_file():
        check_same(open_files(order.work), files, order.work)
    adopt(listed, order.work)


def _brought_together(one: Pass, passed: Passed, progress: Progress) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Everything in the index, in the first process; the others give their parts and return with nothing."""
    share, tally, broken = one.share, passed.tally, list(passed.broken)
    for rank in range(1, share.count):
        if share.rank == rank:
            share.send(tally.arrays() | {"broken": _bytes(broken)})
        elif share.first:
            other = one.new_tally(tally.unit)
            names = [*other.arrays(), "broken"]
            arrays = share.receive(names, rank)
            broken += [(place, reason) for place, reason in json.loads(arrays.pop("broken").tobytes())]
            other.restore(arrays)
            tally.merge(other)
    if share.first and not tally.used:
        shutil.rmtree(one.order.work)  # nothing was counted, and mended pictures are another set
        raise TillerError(
            f"None of the {many(len(one.files), 'picture')} in {one.files.folder} can be read; the first: "
            f"{broken[0][1]}"
        )
    top = share.spread(tally.top.images)
    sums = _gathered(share, _exemplar_sums(one, passed.kept, top))
    reference = _gathered(share, _reference_rows(one, passed.kept))
    near = _neighbours(one, progress)
    if not share.first:
        return {}, {}
    return _finished(one, tally, sorted(broken), sums, reference, near, progress)


def _finished(
    one: Pass,
    tally: Tally,
    broken: Broken,
    sums: np.ndarray,
    reference: np.ndarray,
    near: dict[str, np.ndarray],
    progress: Progress,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays = statistics_of(tally, one.tokens, sums) | near
    progress("counting partners", 0, 1)
    arrays |= partners(tally.arrays()["together"], one.sae.size)
    progress("counting partners", 1, 1)
    vectors = phrase_vectors(
        one.model,
        one.order.vocabulary,
        one.order.cache,
        lambda done, of: progress("encoding the vocabulary", done, of),
    )
    arrays |= names_of(arrays["exemplar_mean"], vectors) | {"word_vectors": vectors.numpy()}
    unread = {place for place, _ in broken}
    kept = np.array([each not in unread for each in one.reference.tolist()], bool)
    shape = (int(kept.sum()), one.kept_tokens, one.model.width)
    inside = one.kept_tokens * one.model.width
    rows = reference.view(np.float32)[kept]
    arrays["reference_activations"] = rows[:, :inside].reshape(shape)
    arrays["reference_embeddings"] = rows[:, inside:]
    arrays["reference_truths"] = one.files.truths[one.reference[kept]].astype(np.int32)
    places, numbers = _numbered(
        [arrays["top_images"], arrays["middle_images"], arrays["low_images"]], one.reference[kept]
    )
    arrays["top_images"], arrays["middle_images"], arrays["low_images"], arrays["reference_images"] = places
    arrays["file_numbers"] = numbers
    arrays |= packed("files", [one.files.name(each) for each in numbers.tolist()])
    arrays |= packed("words", one.order.vocabulary)
    arrays |= packed("broken", [f"{one.files.name(place)}\t{reason}" for place, reason in broken])
    heading = heading_of(one.model, one.sae, one.order) | {
        "images": {
            "listed": len(one.files),
            "used": tally.used,
            "broken": len(broken),
            "sha256": one.files.digest,
            "tokens": one.tokens,
        },
        "labels": list(one.files.labels),
        "reference": {"images": shape[0], "tokens": shape[1]},
    }
    return arrays, heading


def _numbered(images: list[np.ndarray], reference: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Places in the list of those images that occur, -1 kept, and the numbers of these images in the whole set."""
    numbers = np.unique(np.concatenate([*(each[each >= 0] for each in images), reference]))
    return [
        np.where(each < 0, -1, np.searchsorted(numbers, np.maximum(each, 0))).astype(np.int32)
        for each in (*images, reference)
    ], numbers


def _exemplar_sums(one: Pass, kept: Kept, top: np.ndarray) -> np.ndarray:
    """Sums of the unit embeddings of each component's strongest images, over those that this process has read."""
    size, share, width = one.order.batch, one.share, one.embedding
    sums = np.zeros((len(top), width), np.int64)
    with kept.embeddings.open("rb") as file:
        for first in range(0, len(top), _COMPONENTS_AT_ONCE):
            some = top[first : first + _COMPONENTS_AT_ONCE]
            component, place = np.nonzero((some >= 0) & (some // size % share.count == share.rank))
            if not len(component):
                continue
            images, row = np.unique(some[component, place], return_inverse=True)
            vectors = np.empty((len(images), width), np.float32)
            for at, image in enumerate(images.tolist()):
                file.seek(((image // size // share.count) * size + image % size) * width * 4)
                vectors[at] = np.frombuffer(file.read(width * 4), np.float32)
            starts = starts_of(component)
            sums[first + component[starts]] = np.add.reduceat(whole(vectors.astype(np.float64))[row], starts, axis=0)
    return sums


def _reference_rows(one: Pass, kept: Kept) -> np.ndarray:
    """The rows of the reference file that this process wrote, as whole numbers, 0 elsewhere."""
    width = one.kept_tokens * one.model.width + one.embedding
    found = np.zeros((len(one.reference), width), np.int32)
    mine = one.reference // one.order.batch % one.share.count == one.share.rank
    with kept.reference.open("rb") as file:
        for row in np.flatnonzero(mine).tolist():
            file.seek(row * width * 4)
            raw = file.read(width * 4)
            if len(raw) == width * 4:  # a broken picture's row, at the end, was never written
                found[row] = np.frombuffer(raw, np.int32)
    return found


def _neighbours(one: Pass, progress: Progress) -> dict[str, np.ndarray]:
    share, dictionary = one.share, one.sae.dictionary
    rows, near, cosines = neighbours(
        dictionary, share.rank, share.count, lambda done, of: progress("comparing dictionary rows", done, of)
    )
    places = np.zeros((len(dictionary), near.shape[1]), np.int32)
    values = np.zeros((len(dictionary), near.shape[1]), np.int32)
    places[rows], values[rows] = near, cosines.view(np.int32)
    return {"neighbours": _gathered(share, places), "neighbour_cosines": _gathered(share, values).view(np.float32)}


def _gathered(share: Share, part: np.ndarray) -> np.ndarray:
    """The sum of all processes' parts, in the first; each entry is another's or a whole number."""
    for rank in range(1, share.count):
        if share.rank == rank:
            share.send({"part": part})
        elif share.first:
            part = part + share.receive(["part"], rank)["part"]
    return part


def _bytes(broken: Broken) -> np.ndarray:
    return np.frombuffer(bytearray(json.dumps(broken).encode()), np.uint8)
