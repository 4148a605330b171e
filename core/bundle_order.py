"""What a bundle is to be made of, and everything that can be wrong with that before a model is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from core.bundle_plan import said_of_dictionaries, work_of
from core.checkpoints import LEAST_PICTURES
from core.checkpoints.sample import MOST_PICTURES
from core.checksum import checksum_of
from core.indexing.files import ImageFiles, list_files
from core.indexing.words import distinct
from core.model import TEMPLATES
from core.pictures import open_image
from core.prompts import checked_labels
from core.sources import find_source
from core.types import Block, TillerError, many

_SHOWN = 5  # names, where many are wrong


@dataclass(frozen=True, slots=True)
class Given:
    """A dictionary as it came, a file or folder of any format; `block` counts where its file says none.

    `published` is its explained variance as published, from 0 to 1.
    """

    path: Path
    block: Block | None = None
    published: float | None = None


@dataclass(frozen=True, kw_only=True)
class BundleOrder:
    """A bundle of `model` and `dictionaries` over the pictures below `images`, written to `folder`.

    Args:
        model: as `core.sources.find_source` takes it, with `weights`.
        truths: the class of each file that has one, by its path below `images`.
        from_folders: each file's class is the first folder of its path.
        classes: the labels in their order; those of the truths, sorted, where there are none.
        words: what components are named with, beside the labels.
        reference: labelled pictures that a plan is tried on, at most; an index keeps 1,000, or 256 MiB of them.
        name: what the model is called; `model` where None.
        published: figures for each dictionary, as `Preset.published` gives them.
    """

    folder: Path
    images: Path
    model: str
    weights: str | Path | None
    dictionaries: Mapping[str, Given]
    truths: Mapping[str, str] | None = None
    from_folders: bool = False
    classes: tuple[str, ...] = ()
    templates: tuple[str, ...] = TEMPLATES
    words: tuple[str, ...] = ()
    reference: int = 200
    name: str | None = None
    preset: str | None = None
    published: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 64
    threads: int = 1
    readers: int = 2
    device: str = "cpu"
    cache: Path | None = None

    @property
    def work(self) -> Path:
        """The folder in which it waits until it is finished."""
        return work_of(self.folder)


@dataclass(frozen=True, slots=True)
class Checked:
    """An order that can be carried out: its labels, its words, and the pictures that the gate looks at.

    `plan` says of what it is made, in digests: what was begun under another plan is not gone on with.
    """

    labels: tuple[str, ...]
    words: tuple[str, ...]
    pictures: tuple[Path, ...]
    plan: Mapping[str, Any]


def check_order(order: BundleOrder) -> Checked:
    """Look at what an order names.

    Raises:
        TillerError: something is at the bundle's place, a dictionary is not there, fewer than 256 pictures can be
            read, or their classes are not known or not the labels.
    """
    if order.folder.exists():
        raise TillerError(
            f"A bundle was to be made at {order.folder}, and something is there already; name another folder."
        )
    for which, given in order.dictionaries.items():
        if not given.path.exists():
            raise TillerError(f"Dictionary {which} was to be read from {given.path}, and nothing is there; check it.")
    with TemporaryDirectory(prefix="tiller-") as listed:
        files = list_files(order.images, Path(listed), truths=order.truths, from_folders=order.from_folders)
        labels = _labels(order, files)
        pictures = _readable(order.images, files)
        digest, count = files.digest, len(files)
    source = find_source(order.model, order.weights)
    words = distinct((*labels, *order.words))
    plan = {
        "model": checksum_of(source.weights),
        "configuration": hashlib.sha256(json.dumps([source.config, source.image], sort_keys=True).encode()).hexdigest(),
        "images": str(order.images.resolve()),
        "pictures": digest,
        "count": count,
        "vocabulary": hashlib.sha256("\n".join(words).encode()).hexdigest(),
        "batch": order.batch,
        "threads": order.threads,
        "device": order.device,
        **said_of_dictionaries({which: given.path for which, given in order.dictionaries.items()}),
    }
    return Checked(labels, words, pictures, plan)


def _labels(order: BundleOrder, files: ImageFiles) -> tuple[str, ...]:
    """The classes, once it is sure that every truth is one of them."""
    if not files.labels and order.from_folders:
        raise TillerError(
            f"Each picture's class was to be the first folder of its path, and all of them lie in {order.images} "
            "itself; put the pictures of each class into a folder of its name, or name the folder above, or give a "
            "CSV of file and truth with --labels."
        )
    if not files.labels:
        raise TillerError(
            f"The classes of the pictures in {order.images} are not known; put the pictures of each class into a "
            "folder of its name and give --labels-from-folders, or give a CSV of file and truth with --labels."
        )
    if order.truths is not None and (files.truths >= 0).sum() < len(order.truths):
        there = {files.name(place) for place in np.flatnonzero(files.truths >= 0).tolist()}
        gone = [name for name in order.truths if name not in there]
        raise TillerError(
            f"The table of truths names {_few(gone)}, which {order.images} does not hold; name files by their path "
            "below it."
        )
    labels = checked_labels(order.classes or sorted(files.labels))
    strange = sorted(set(files.labels) - set(labels))
    if strange:
        raise TillerError(
            f"There are pictures of {_few(strange)}, and the classes are {_few(labels)}; name all with --classes, or "
            "leave those pictures out."
        )
    if len(labels) < 2:
        raise TillerError(
            f"All pictures are of {_few(labels)}, and a model that knows one class gets none wrong; name more with "
            "--classes, or bring pictures of others."
        )
    return labels


def _readable(images: Path, files: ImageFiles) -> tuple[Path, ...]:
    """A fair draw of pictures for the gate, opened until it is sure that enough of them can be read."""
    draw = torch.Generator().manual_seed(0)
    drawn = torch.randperm(len(files), generator=draw)[:MOST_PICTURES].sort().values.tolist()
    pictures, read, broken = tuple(files.path(place) for place in drawn), 0, list[str]()
    for picture in pictures:
        try:
            open_image(picture)
        except TillerError:
            broken.append(picture.relative_to(images).as_posix())
            continue
        read += 1
        if read == LEAST_PICTURES:
            return pictures
    unread = f" ({_few(broken)} cannot be read)" if broken else ""
    raise TillerError(
        f"{images} gives {many(read, 'picture')}{unread}, and a dictionary is judged on {LEAST_PICTURES} or more; name "
        "a folder with more photographs."
    )


def _few(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
