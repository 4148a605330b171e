"""A claim made: a plan measured on its picture, on failures of the same cause, and on the reference set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.bundle import Bundle
from core.claim import Claim, Line
from core.claim_figures import Pictures, count_set, environment_for, look_at
from core.model import Clip
from core.ripple import OPEN, Gate, ReferenceSet
from core.types import TillerError


@dataclass(frozen=True, eq=False)
class Ground:
    """What a claim is measured on: `shows` is None where it is not to be told; of the sets one at least is there."""

    picture: bytes | None = None
    shows: str | None = None
    held_out: tuple[ReferenceSet, Pictures] | None = None
    reference: Pictures | None = None  # the bundle's own set, as `core.claim_figures.reference_pictures` tells it


def can_count(model: Clip, reference: ReferenceSet) -> bool:
    """Whether the model's classes are such that it can be right about every picture of a set."""
    return {reference.labels[each] for each in reference.truth} <= set(model.labels)


def make_claim(
    bundle: Bundle,
    dictionary: str,
    model: Clip,
    lines: Sequence[Line],
    ground: Ground,
    *,
    at: datetime,
    gate: Gate = OPEN,
) -> Claim:
    """Measure a plan and write down what it does.

    Args:
        bundle: the model and dictionary that are steered.
        dictionary: what the bundle calls this dictionary.
        model: the bundle's, with the classes and templates of the claim.
        lines: the plan's edits, in any order.
        ground: the pictures.
        at: when it is made.
        gate: what is held while the model computes, and given back between pieces.

    Raises:
        TillerError: there is no edit, or nothing to measure it on; the plan names what does not exist.
    """
    if not lines:
        raise TillerError("A claim was asked for, and no edit stands; steer a component first.")
    if ground.held_out is None and ground.reference is None:
        raise TillerError(
            "A claim was asked for, and there are no labelled pictures of its classes to measure it on; name classes "
            "that the reference pictures show, or held-out pictures."
        )
    claim = Claim(
        lines=tuple(sorted(lines, key=lambda line: line.edit.component)),
        dictionary=dictionary,
        labels=model.labels,
        templates=model.templates,
        model_sha256=model.digest,
        dictionary_sha256=bundle.sae.digest,
        bundle_sha256=bundle.fingerprint["bundle"],
        environment=environment_for(model),
    )
    picture = held_out = reference = None
    if ground.picture is not None:
        with gate:
            picture = look_at(model, bundle.sae, ground.picture, ground.shows, claim.plan)
    if ground.held_out is not None:
        alike, pictures = ground.held_out
        counted = count_set(model, bundle.sae, alike, claim.plan, pictures, gate)
        held_out = replace(counted, pictures=tuple(pictures))
    if ground.reference is not None:
        reference = count_set(model, bundle.sae, bundle.reference, claim.plan, ground.reference, gate)
    return dated(replace(claim, picture=picture, held_out=held_out, reference=reference), at)


def dated(claim: Claim, at: datetime) -> Claim:
    """The same claim, made at another time."""
    return replace(claim, made=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
