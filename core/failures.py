"""A labelled folder asked of the model once: which pictures it gets right, and what pushes it wrong where it fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from core.attribution import attribute
from core.folder import AT_ONCE, Picture, seen_pictures
from core.model import Clip
from core.repair import lead_of, rival_of
from core.sae import SparseAutoencoder
from core.steering import Look, refuse_logits
from core.types import Prediction, TillerError, View, many

NAMED = 8  # components kept for each failing picture: those that push its wrong class most

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model said of one picture; `pushing` are components that push the rival of the right class, if it fails.

    `lead` is the logit of the right class less the best other.
    """

    name: str
    sha256: str
    shows: str
    says: str  # its top class
    rival: str  # its best class that is not the right one
    lead: float
    sure: float  # probability of what it says
    pushing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """All pictures that could be read, in the order of their names, and those that could not with the reason."""

    asked: tuple[Asked, ...]
    broken: tuple[tuple[str, str], ...]


class Journal:
    """What has been computed so far, a line of JSON each, so that an interrupted run goes on where it stopped.

    `key` is of all that it was computed from: a file that was kept under another one is begun anew. None keeps nothing.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        self._path = path
        self._known: dict[str, Any] = {}
        if path is None:
            return
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    told = json.loads(line)
                except ValueError:  # the line at which it was cut off
                    break
                if not self._known and told != {"name": "key", "value": key}:
                    break
                self._known[told["name"]] = told["value"]
        lines = [json.dumps({"name": name, "value": value}) for name, value in ({"key": key} | self._known).items()]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")

    def recall(self, name: str, make: Callable[[], Any]) -> Any:
        """What is kept under `name`, computed and kept now if nothing is."""
        if name not in self._known:
            self._known[name] = json.loads(json.dumps(make()))
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"name": name, "value": self._known[name]}) + "\n")
        return self._known[name]

    def drop(self) -> None:
        """Take the file away, once all that it was for is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def journal_key(model: Clip, sae: SparseAutoencoder, folder: Path, pictures: Sequence[Picture], near: float) -> str:
    """A digest of what answers depend on; a picture counts by its name, class, size and time."""
    files = []
    for one in pictures:
        path = folder / one.name
        stat = path.stat() if path.is_file() else None
        files.append((one.name, one.shows, stat and stat.st_size, stat and stat.st_mtime_ns))
    said = [model.digest, sae.digest, model.block, model.labels, model.templates, near, files]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def ask_pictures(
    model: Clip,
    sae: SparseAutoencoder,
    folder: Path,
    pictures: Sequence[Picture],
    *,
    near: float,
    journal: Journal,
    progress: Progress = lambda what, done, of: None,
) -> Answers:
    """Run every picture through the model, and those whose right class leads by `near` logits or less through `sae`.

    Raises:
        TillerError: a class is none of the model's, or none of the pictures can be read.
    """
    sae.check(model)
    strange = sorted({one.shows for one in pictures} - set(model.labels))
    if strange:
        raise TillerError(
            f"The pictures show {', '.join(strange[:8])}, and the classes are {', '.join(model.labels)}; name all of "
            "them with --classes."
        )
    asked: list[Asked] = []
    broken: list[tuple[str, str]] = []
    for first in range(0, len(pictures), AT_ONCE):
        some = pictures[first : first + AT_ONCE]

        def run(some: Sequence[Picture] = some) -> dict[str, Any]:
            return _pass(model, sae, folder, some, near)

        kept = journal.recall(f"pass {first}", run)
        asked += [Asked(**{**one, "pushing": tuple(one["pushing"])}) for one in kept["asked"]]
        broken += [(name, why) for name, why in kept["broken"]]
        progress("pictures", first + len(some), len(pictures))
    if not asked:
        raise TillerError(f"None of the {many(len(pictures), 'picture')} in '{folder}' can be read; {broken[0][1]}")
    return Answers(tuple(asked), tuple(broken))


@torch.no_grad()
def _pass(model: Clip, sae: SparseAutoencoder, folder: Path, some: Sequence[Picture], near: float) -> dict[str, Any]:
    asked: list[dict[str, Any]] = []
    broken: list[tuple[str, str]] = []
    for whole, digests, pixels in seen_pictures(model, folder, some, lambda one, why: broken.append((one.name, why))):
        activations = model.activations(pixels)
        logits = model.logits(activations, exact=False)
        refuse_logits(logits)
        for place, (one, digest) in enumerate(zip(whole, digests, strict=True)):
            said = Prediction(model.labels, tuple(logits[place].tolist()))
            truth = model.labels.index(one.shows)
            lead, rival = lead_of(said, truth), rival_of(said, truth)
            pushing: tuple[int, ...] = ()
            if lead <= near:
                x = activations[place : place + 1]
                seen = Look(x, sae.encode(x), said)
                with torch.enable_grad():
                    scores = attribute(model, sae, seen, rival, against=truth, view=View.GRADIENT).scores
                pushing = tuple(sorted(scores, key=lambda each: (-scores[each], each))[:NAMED])
            asked.append(
                asdict(
                    Asked(
                        one.name, digest, one.shows, said.top, model.labels[rival], lead, said.prob(said.top), pushing
                    )
                )
            )
    return {"asked": asked, "broken": broken}
