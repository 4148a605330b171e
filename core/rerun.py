"""A logged state run again from the artefacts that its digests name: one picture at a time, threads as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from core.bundle import description_of, load_instrument
from core.environment import environment_of
from core.model import Clip
from core.sae import SparseAutoencoder
from core.steering import Look, look, steer
from core.types import MissingArtefact, Prediction, SteeringPlan


class Workshop:
    """The models and pictures of one bundle, found by digest alone.

    What is kept is the open model and the one picture looked at last (activations and codes), never an answer.
    """

    def __init__(self, folder: Path, beside: Sequence[Path] = ()) -> None:
        said = description_of(folder)
        self._folder = folder
        self._dictionaries = tuple(said["dictionaries"])
        self._images = folder / said["reference"]["images"]
        every = (*beside, *sorted(self._images.rglob("*")))  # those beside are none of the bundle's
        self._unread = iter([path for path in every if path.is_file()])  # a folder may hold a million
        self._files: dict[str, Path] = {}
        self._opened: dict[int, list[tuple[Clip, SparseAutoencoder]]] = {}
        self._last: tuple[object, Clip, Look] | None = None

    def predict(
        self,
        *,
        model: str,
        dictionary: str,
        image: str,
        labels: Sequence[str],
        plan: SteeringPlan,
        environment: Mapping[str, str],
    ) -> tuple[Prediction, Clip, dict[str, str]]:
        """What the model says of a picture under `plan`, the model with its labels, and where it was computed.

        Args:
            model: SHA-256 of the weights.
            dictionary: SHA-256 of the dictionary.
            image: SHA-256 of the picture's file.
            labels: the class names in their order.
            plan: the edits.
            environment: as it was logged; the number of threads is taken from it.

        Raises:
            MissingArtefact: the bundle has no such model, dictionary or picture.
        """
        with _threads(environment.get("threads", "1")) as threads:
            clip, sae = self._tool(threads, model, dictionary)
            named, seen = self._seen(clip, sae, image, tuple(labels))
            return steer(named, sae, seen, plan).prediction, named, environment_of(named)

    def _tool(self, threads: int, model: str, dictionary: str) -> tuple[Clip, SparseAutoencoder]:
        # opened once for each number of threads, for the vectors of the labels hang on it too
        if threads not in self._opened:
            self._opened[threads] = [load_instrument(self._folder, which)[:2] for which in self._dictionaries]
        for clip, sae in self._opened[threads]:
            if clip.digest == model and sae.digest == dictionary:
                return clip, sae
        part = "model" if all(clip.digest != model for clip, _ in self._opened[threads]) else "dictionary"
        wanted = model if part == "model" else dictionary
        raise MissingArtefact(f"The {part} {wanted[:12]} was used; {self._folder} has another: name the one used.")

    def _seen(self, clip: Clip, sae: SparseAutoencoder, image: str, labels: tuple[str, ...]) -> tuple[Clip, Look]:
        key = (torch.get_num_threads(), sae.digest, image, labels)
        if self._last is None or self._last[0] != key:
            named = clip if labels == clip.labels else clip.labelled(labels)
            self._last = key, named, look(named, sae, named.pixels(self._picture(image)))
        return self._last[1], self._last[2]

    def _picture(self, sha256: str) -> Path:
        while sha256 not in self._files and (path := next(self._unread, None)) is not None:
            self._files[hashlib.sha256(path.read_bytes()).hexdigest()] = path
        if sha256 not in self._files:
            raise MissingArtefact(
                f"The picture {sha256[:12]} was shown; {self._images} does not hold it: bring it back."
            )
        return self._files[sha256]


@contextmanager
def _threads(count: str) -> Generator[int]:
    before = torch.get_num_threads()
    wanted = int(count) if count.isdecimal() and int(count) else before
    torch.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        torch.set_num_threads(before)
