"""The one pass over the pictures, by one process: begun, kept, and gone on with where it was cut off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from core.indexing.draws import drawn, stratified
from core.indexing.files import ImageFiles
from core.indexing.forward import Sight, class_alone, places
from core.indexing.kept import Broken, Kept
from core.indexing.order import REFERENCE, REFERENCE_BYTES, TOGETHER, Order, Progress
from core.indexing.reading import Batch, batches
from core.indexing.shares import Share
from core.indexing.tally import Seen, Tally, unit_of
from core.model import Clip
from core.sae import SparseAutoencoder
from core.types import Stopped


@dataclass(frozen=True, eq=False)
class Passed:
    """What one process has counted; unit embeddings and reference rows are in the files of `kept`."""

    tally: Tally
    broken: Broken
    kept: Kept


@dataclass(frozen=True, eq=False)
class Pass:
    """One process's way through its batches.

    `reference` are the images whose activations are kept, ascending; a row of its file holds an image's activations,
    then its embedding.
    """

    model: Clip
    sae: SparseAutoencoder
    files: ImageFiles
    order: Order
    share: Share
    reference: np.ndarray

    @cached_property
    def sight(self) -> Sight:
        """Made when the first batch is there."""
        return Sight(self.model, self.sae, self.order.batch)

    @property
    def tokens(self) -> int:
        """Of one image, as far as the tally sees them."""
        return 1 if class_alone(self.model, self.sae) else self.model.tokens

    @property
    def kept_tokens(self) -> int:
        """Of one image of the reference set."""
        return 1 if self.model.reads_one_token else self.model.tokens

    @property
    def embedding(self) -> int:
        """Length of an image embedding."""
        return self.model.text.shape[1]

    @property
    def total(self) -> int:
        """Batches of the whole set."""
        return -(-len(self.files) // self.order.batch)

    def run(self, progress: Progress, stop: Callable[[], bool]) -> Passed:
        """Go through all batches that are this process's and not yet counted."""
        kept = Kept(self.order.work, self.share.rank)
        tally, done, broken = None, 0, []
        found = kept.load()
        if found is not None:
            arrays, done, broken = found
            tally = self.new_tally(float(arrays["unit"][0]))
            tally.restore(arrays)
        saved, since = done, time.monotonic()
        with _opened(kept.embeddings) as embeddings, _opened(kept.reference) as reference:

            def save() -> None:
                if tally is not None and done > saved:
                    for file in (embeddings, reference):
                        file.flush()
                    kept.save(tally.arrays() | {"unit": np.array([tally.unit])}, done, broken)

            for batch in self._batches(self.share.numbers(self.total, done)):
                if tally is None:
                    tally = self.new_tally(0.0 if batch.number == 0 else self._first_unit())
                self.take(batch, tally, embeddings, reference, done)
                broken += [(batch.first + slot, reason) for slot, reason in sorted(batch.broken.items())]
                done += 1
                images = min(len(self.files), done * self.share.count * self.order.batch)
                progress("reading images", images, len(self.files))
                if stop():
                    save()
                    raise Stopped(
                        f"Stopped after {images:,} of {len(self.files):,} images, which are kept in {kept.work}; the "
                        "same command goes on from there."
                    )
                if time.monotonic() - since >= self.order.every:
                    save()
                    saved, since = done, time.monotonic()
            save()
        return Passed(tally or self.new_tally(1.0), broken, kept)

    def take(self, batch: Batch, tally: Tally, embeddings: BinaryIO, reference: BinaryIO, place: int) -> None:
        """Count in one batch, the `place`-th of this process, and write its rows."""
        seen, activations, vectors = self.sight.see(batch)
        if tally.unit == 0:
            tally.unit = _unit(seen)
        tally.add(seen)
        embeddings.seek(place * self.order.batch * self.embedding * 4)
        embeddings.write(seen.embeddings.tobytes())
        self._keep_reference(reference, seen, activations, vectors)

    def new_tally(self, unit: float) -> Tally:
        """One that has counted nothing."""
        return Tally(
            self.sae.size,
            self.embedding,
            places=places(self.sae),
            tokens=self.tokens,
            images=len(self.files),
            unit=unit,
            sampled=drawn(len(self.files), TOGETHER, salt=2),
        )

    def _batches(self, numbers: range) -> Iterator[Batch]:
        return batches(
            self.files,
            self.model.preprocess,
            numbers,
            size=self.order.batch,
            side=self.model.grid * self.model.visual.conv1.kernel_size[0],
            readers=self.order.readers,
        )

    def _first_unit(self) -> float:
        """The unit that the process with the first batch finds."""
        return _unit(self.sight.see(next(self._batches(range(1))))[0])

    def _keep_reference(self, file: BinaryIO, seen: Seen, activations: torch.Tensor, vectors: torch.Tensor) -> None:
        wanted = np.flatnonzero(seen.usable & np.isin(seen.images, self.reference))
        for slot, row in zip(wanted, np.searchsorted(self.reference, seen.images[wanted]), strict=True):
            both = torch.cat([activations[slot, : self.kept_tokens].flatten(), vectors[slot]]).cpu().numpy()
            file.seek(int(row) * both.nbytes)
            file.write(both.tobytes())


def reference_images(model: Clip, files: ImageFiles) -> np.ndarray:
    """A fair sample, equally many of each class, of as many images as the limits on count and bytes allow."""
    tokens = 1 if model.reads_one_token else model.tokens
    most = min(REFERENCE, REFERENCE_BYTES // (4 * tokens * model.width))
    return stratified(files.truths if files.labels else None, len(files), most, salt=3)


def _unit(seen: Seen) -> float:
    values = seen.values[seen.usable[seen.rows // seen.tokens]]
    return unit_of(float(values.max(initial=0.0)))


def _opened(path: Path) -> BinaryIO:
    """For writing at any place, with what is there already."""
    path.touch()
    return path.open("r+b")
