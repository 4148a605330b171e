"""The pictures of a bundle that tasks can ask for, by kind, each with others that fail for the same cause."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.pictures import picture_in

if TYPE_CHECKING:
    from core.bundle import Bundle

RIGHT = "right"


@dataclass(frozen=True)
class TaskPicture:
    """A picture that a task can ask for: its opaque file name, and what it shows.

    `similar` are other pictures that fail for the same cause, with what they show; no participant meets them.
    """

    file: str
    label: str
    similar: tuple[tuple[Path, str], ...] = ()
    path: Path | None = None  # where a picture of the script's own lies; None: in the bundle


def pictures_by_kind(folder: Path, images: Path) -> dict[str, TaskPicture]:
    """The task pictures of the bundle in `folder`, which lie in `images`; empty where no task is known for it."""
    listed = folder / "tasks.csv"
    if not listed.is_file():  # a bundle of a model that no task is known for
        return {}
    with listed.open(newline="", encoding="utf-8") as table:
        first = [(row["kind"], row["file"], row["truth"]) for row in csv.DictReader(table)]
    known = folder / "tasks.json"
    told = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else []
    similar: dict[str, tuple[tuple[Path, str], ...]] = {}
    for one in told:
        pairs = zip(one["similar"], one["similar_truth"], strict=True)
        similar[one["file"]] = tuple((picture_in(images, file), truth) for file, truth in pairs)
    every = dict.fromkeys([*first, *((one["kind"], one["file"], one["truth"]) for one in told)])
    return dict(_numbered((kind, TaskPicture(file, truth, similar.get(file, ()))) for kind, file, truth in every))


def right_pictures(bundle: Bundle) -> dict[str, TaskPicture]:
    """The reference pictures that the model gets right, as `right`, `right_2` and so on."""
    reference = bundle.reference
    said = bundle.model.classify(reference.embeddings).argmax(dim=-1).tolist()
    right = zip(reference.names, reference.truth, said, strict=True)
    return dict(
        _numbered((RIGHT, TaskPicture(name, reference.labels[true])) for name, true, top in right if true == top)
    )


def similar_of(picture: TaskPicture, images: Path) -> dict[str, tuple[Path, str]]:
    """The other failures of a picture's cause by their opaque names, with what they show; `images` is the bundle's."""
    return {
        path.relative_to(images).as_posix() if path.is_relative_to(images) else opaque_name(path): (path, shows)
        for path, shows in picture.similar
    }


def strange_in(picture: TaskPicture, labels: Sequence[str]) -> str:
    """That like failures of a picture show what is none of these classes; "" where all of them show one."""
    strange = sorted({shows for _, shows in picture.similar} - set(labels))
    if not strange:
        return ""
    return (
        f"The pictures that fail as {picture.file} does show {', '.join(strange)}, and the classes are "
        f"{', '.join(labels)}"
    )


def opaque_name(path: Path) -> str:
    """What pages call a picture that is none of the bundle's: its bytes, and not its own name, decide."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] + path.suffix.lower()


def _numbered(pictures: Iterator[tuple[str, TaskPicture]]) -> Iterator[tuple[str, TaskPicture]]:
    met: Counter[str] = Counter()
    for kind, picture in pictures:
        met[kind] += 1
        yield (kind if met[kind] == 1 else f"{kind}_{met[kind]}"), picture
