"""The least intrusive print of a word that a model takes a picture for, and that it does not fall for when blank."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from core.lettering import Label
from core.model import Clip
from core.repair import lead_of
from core.types import Prediction
from core.typography import Placement, Scene, polygon, printed, proposals, read_scene

TRIED_AT_ONCE = 8  # placements, before the first that works is taken
_SEARCHED = 640  # short side of the picture that is searched on; what is found is tried on the picture itself

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Misreading:
    """One print of a word and what the model makes of it; pictures are PNG files.

    `margins` are logits of the word's class less the best other, before, after, and with the control.
    """

    picture: bytes
    control: bytes
    placement: Placement
    polygon: tuple[tuple[float, float], ...]
    size: tuple[int, int]
    before: Prediction
    after: Prediction
    sham: Prediction
    margins: tuple[float, float, float]
    falls: bool  # after passes the margin that was asked for, and the sham does not have the word on top
    tried: int  # placements looked at, up to this one

    @property
    def covers(self) -> float:
        """The label's share of the picture, by the shoelace formula."""
        around = zip(self.polygon, (*self.polygon[1:], self.polygon[0]), strict=True)
        return abs(sum(x * v - u * y for (x, y), (u, v) in around)) / 2 / (self.size[0] * self.size[1])


def find_misreading(
    model: Clip,
    picture: Image.Image,
    labels: tuple[Label, Label],
    target: int,
    *,
    margin: float = 0.0,
    seed: int = 0,
    progress: Progress = lambda what, done, of: None,
) -> Misreading | None:
    """The first print that works, from the least intrusive on; the nearest to it where none does.

    Args:
        labels: the label with the word, and the same without it.
        target: the class that the word names.
        margin: by how many logits it has to lead.

    Returns:
        None where no label could be read by anybody, the picture being too small for the word.
    """
    word, blank = labels
    small = picture
    if min(picture.size) > _SEARCHED:
        share = _SEARCHED / min(picture.size)
        size = round(picture.width * share), round(picture.height * share)
        small = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    scene = read_scene(small)
    whole = scene if small is picture else read_scene(picture)
    before = _asked(model, [picture])[0]
    places = proposals(scene, word, seed)
    tried, nearest, most = 0, None, -float("inf")
    for first in range(0, len(places), TRIED_AT_ONCE):
        some = places[first : first + TRIED_AT_ONCE]
        found = _asked(model, [printed(scene, word, place, seed) for place in some])
        for place, after in zip(some, found, strict=True):
            tried += 1
            lead = lead_of(after, target)
            works = after.ranked[0] == target and lead >= margin
            if not works and lead <= most:
                continue
            # a model that says the word of blank paper too does not read it
            if _asked(model, [printed(scene, blank, place, seed)])[0].ranked[0] == target:
                continue
            if lead > most:
                most, nearest = lead, (place, tried)
            if works:
                made = _made(model, whole, labels, place, target, margin, seed, before, tried)
                if made.falls:
                    return made
        progress("placements", tried, len(places))
    if nearest is None:
        return None
    place, _ = nearest
    return _made(model, whole, labels, place, target, margin, seed, before, tried)


def _made(
    model: Clip,
    scene: Scene,
    labels: tuple[Label, Label],
    place: Placement,
    target: int,
    margin: float,
    seed: int,
    before: Prediction,
    tried: int,
) -> Misreading:
    """The print at full size, saved, opened again and asked about as the study will ask."""
    word, blank = [_saved(printed(scene, label, place, seed)) for label in labels]
    after, sham = [_asked(model, [file])[0] for file in (word, blank)]
    margins = lead_of(before, target), lead_of(after, target), lead_of(sham, target)
    corners = tuple((round(x, 1), round(y, 1)) for x, y in polygon(scene.picture.size, labels[0], place))
    falls = after.ranked[0] == target and margins[1] >= margin and sham.ranked[0] != target
    return Misreading(word, blank, place, corners, scene.picture.size, before, after, sham, margins, falls, tried)


def _saved(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=False)
    return file.getvalue()


@torch.no_grad()
def _asked(model: Clip, pictures: Sequence[Image.Image | bytes]) -> list[Prediction]:
    """What the model says of pictures; of one alone, the bits that a study's page will show."""
    logits = model.logits(model.activations(torch.cat([model.pixels(one) for one in pictures])))
    return [Prediction(model.labels, tuple(row)) for row in logits.tolist()]
