"""The failures that go wrong for the same cause as a task's picture, run through the model once for everybody."""

from __future__ import annotations

from core.bundle import Bundle
from core.checksum import checksum_of
from core.claim_figures import Pictures, open_pictures
from core.model import Clip
from core.ripple import ReferenceSet
from core.task_pictures import TaskPicture, similar_of, strange_in
from core.types import TillerError
from pages.parts.rig import Rig


def similar_set(here: Rig, bundle: Bundle, model: Clip, picture: TaskPicture) -> ReferenceSet | None:
    """The held-out failures of a picture's cause, ready for a ripple; None where nobody knows any.

    Raises:
        TillerError: they show a class that is none of the model's.
    """
    if not picture.similar:
        return None
    if strange := strange_in(picture, model.labels):
        raise TillerError(f"{strange}; add those classes, or leave out what is counted on these pictures.")

    def make() -> ReferenceSet:
        known = similar_of(picture, bundle.images)
        paths, shows = zip(*known.values(), strict=True)
        return open_pictures(model, bundle.sae, paths, shows, names=tuple(known))

    return here.held_out.recall((bundle.sae.digest, model.labels, picture.similar), make)


def similar_pictures(here: Rig, bundle: Bundle, picture: TaskPicture) -> Pictures:
    """The same pictures in the same order as a claim tells them: every file is read, once."""

    def make() -> Pictures:
        return [(checksum_of(path), shows) for path, shows in similar_of(picture, bundle.images).values()]

    return here.held_out.recall(("told", picture.similar), make)
