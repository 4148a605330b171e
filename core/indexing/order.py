"""What an index is asked to be: everything that decides its bytes, and what only decides how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.indexing.encoding import arithmetic_of
from core.indexing.naming import TEMPLATE
from core.indexing.plan import VERSION, said_of_pictures, said_of_words, work_of
from core.indexing.relations import NEAREST, SEEN_TOGETHER
from core.indexing.tally import BINS, OCTAVES, SAMPLE, STEPS, STRONGEST, TOP
from core.model import Clip
from core.sae import SparseAutoencoder

TOGETHER = 16_384  # images whose components are counted together
REFERENCE, REFERENCE_BYTES = 1_000, 1 << 28  # images of the reference set at most, and bytes of their activations
SAVED_EVERY = 300.0  # seconds
READERS = 2

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """An index over the pictures below `images`, written to `out`.

    `truths` and `from_folders` as in `list_files`. `pretrained` is what the weights were called, for those who search
    the index later. `readers` (threads that decode), `every` (seconds between two savings) and `cache` (a folder for
    text vectors) change no byte of it.
    """

    images: Path
    out: Path
    vocabulary: tuple[str, ...]
    pretrained: str = ""
    batch: int = 64
    threads: int = 1
    truths: Mapping[str, str] | None = None
    from_folders: bool = False
    readers: int = READERS
    every: float = SAVED_EVERY
    cache: Path | None = None

    @property
    def work(self) -> Path:
        """The folder in which it waits until it is finished."""
        return work_of(self.out)


def heading_of(model: Clip, sae: SparseAutoencoder, order: Order) -> dict[str, Any]:
    """What the index says of its making, as far as it is known before."""
    return {
        "model": {"name": model.name, "pretrained": order.pretrained, "sha256": model.digest},
        "dictionary": {
            "sha256": sae.digest,
            "block": model.block,
            "tokens": sae.convention.tokens,
            "components": sae.size,
            "width": sae.width,
        },
        "settings": {
            "batch": order.batch,
            "threads": order.threads,
            "device": model.text.device.type,
            "codes": arithmetic_of(sae),
            "precision": str(model.visual.conv1.weight.dtype).removeprefix("torch."),
            "torch": torch.__version__,
            "pooling": "max",
            "template": TEMPLATE,
            "encoder": "the model's own",
        },
        "measures": {
            "exemplars": TOP,
            "sample": SAMPLE,
            "neighbours": NEAREST,
            "partners": {"images": TOGETHER, "strongest": STRONGEST, "at_least": SEEN_TOGETHER, "measure": "ochiai"},
            "histogram": {"from": 2.0 ** OCTAVES[0], "to": 2.0 ** OCTAVES[1], "bins_of_pass": BINS, "steps": STEPS},
        },
    }


def plan_of(model: Clip, sae: SparseAutoencoder, order: Order, processes: int) -> dict[str, Any]:
    """What a build must be begun and gone on with; texts as digests. `core.indexing.plan` has how each is given."""
    heading = heading_of(model, sae, order)
    return {
        "model": heading["model"]["sha256"],
        "dictionary": heading["dictionary"]["sha256"],
        "block": model.block,
        **heading["settings"],
        **said_of_words(order.vocabulary),
        **said_of_pictures(order.images, order.truths, from_folders=order.from_folders),
        "processes": processes,
        "version": VERSION,
    }
