"""The figures of a claim, measured: what a plan and two shams of its size do to one picture and to sets of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from core.bundle import Bundle
from core.changes import change_of
from core.checksum import checksum_of
from core.claim import Count, OnPicture, OnSet, pictures_digest
from core.environment import environment_of
from core.model import Clip
from core.pictures import picture_in
from core.ripple import OPEN, Gate, ReferenceSet, build_reference, control, gated_pieces, planned, truth_of
from core.sae import SparseAutoencoder
from core.sham import sham_of
from core.steering import check_plan, look, steer
from core.types import Prediction, SteeringPlan

TOLERANCE = 1e-4  # logits: how far the same state may come out elsewhere; the tolerance of `tiller replay`
SEED = 0  # of the random sham

Pictures = Sequence[tuple[str, str]]
"""SHA-256 of the files and the classes that they show, in order."""


def count_set(
    model: Clip,
    sae: SparseAutoencoder,
    reference: ReferenceSet,
    plan: SteeringPlan,
    pictures: Pictures,
    gate: Gate = OPEN,
) -> OnSet:
    """What `plan` and its shams do to a set, in the batches of the ripple that people watch.

    A picture is borderline if the lead of its class is no more than 2 * `TOLERANCE` logits from 0, before or after: if
    every logit comes out `TOLERANCE` away from here at most, then no other picture can change sides.

    Raises:
        TillerError: the plan names a component or a patch that does not exist, or the set a class that the model has
            not.
    """
    check_plan(plan, sae, model)
    truth = truth_of(reference, model.labels)
    shifts = {
        "plan": partial(planned, sae, reference, plan),
        "random": partial(control, sae, reference, plan, "random", SEED),
        "flipped": partial(control, sae, reference, plan, "flipped", SEED),
    }
    right_before, turns = 0, dict[str, Count]()
    for turn, shift in shifts.items():
        fixed = broken = borderline = right_before = 0
        for one in gated_pieces(model, reference, shift, gate):
            for place, was, now, *leads in zip(
                one.places, one.before, one.after, one.leads_before, one.leads_after, strict=True
            ):
                right = truth[place]
                change = change_of(right, was, now)
                right_before += was == right
                fixed += change == "fixed"
                broken += change == "broken"
                borderline += min(map(abs, leads)) <= 2 * TOLERANCE
        turns[turn] = Count(fixed, broken, borderline)
    return OnSet(pictures_digest(pictures), len(truth), right_before, turns)


def look_at(model: Clip, sae: SparseAutoencoder, content: bytes, shows: str | None, plan: SteeringPlan) -> OnPicture:
    """The same for the one picture in a file's `content`, with the shams of `core.sham`."""
    seen = look(model, sae, model.pixels(content))
    said = {
        "plan": steer(model, sae, seen, plan).prediction,
        "random": sham_of(model, sae, seen, plan, kind="random", seed=SEED).steered.prediction,
        "flipped": sham_of(model, sae, seen, plan, kind="flipped").steered.prediction,
    }
    return OnPicture(
        sha256=hashlib.sha256(content).hexdigest(),
        shows=shows,
        before=seen.clean.top,
        turns={turn: each.top for turn, each in said.items()},
        borderline=any(_is_close(each) for each in (seen.clean, *said.values())),
    )


def open_pictures(
    model: Clip, sae: SparseAutoencoder, paths: Sequence[Path], shows: Sequence[str], names: Sequence[str] = ()
) -> ReferenceSet:
    """Pictures of files run through the first half, one at a time; without `names` they are called by their paths."""
    truth = [model.labels.index(each) for each in shows]
    pixels = (model.pixels(path.read_bytes()) for path in paths)
    return build_reference(model, sae, pixels, truth, names or [*map(str, paths)])


def reference_pictures(bundle: Bundle) -> Pictures:
    """The reference pictures of a bundle as a claim tells them: every file is read."""
    reference = bundle.reference
    return [
        (checksum_of(picture_in(bundle.images, name)), reference.labels[truth])
        for name, truth in zip(reference.names, reference.truth, strict=True)
    ]


def environment_for(model: Clip) -> dict[str, str]:
    """What two runs must share before their counts can be asked to be the same; sets are computed in batches."""
    return {name: value for name, value in environment_of(model).items() if name != "batch"}


def _is_close(said: Prediction) -> bool:
    best = sorted(said.logits)[-2:]
    return len(best) == 2 and best[1] - best[0] <= 2 * TOLERANCE
