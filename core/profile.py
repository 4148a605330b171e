"""What kinds of pictures set a component off: in how many of each class's reference pictures it fires."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.ripple import ReferenceSet
from core.types import refuse_component


@dataclass(frozen=True, slots=True)
class ClassShare:
    """Of a class's `images` reference pictures, those in which a component fires anywhere."""

    label: str
    fires: int
    images: int

    @property
    def share(self) -> float:
        """`fires` of `images`."""
        return self.fires / self.images


def class_profile(reference: ReferenceSet, component: int) -> tuple[ClassShare, ...]:
    """Each class that the reference set shows, the one with the greatest share first, then the one with more pictures.

    A picture counts where some code of the component is above 0, as in `density` of its card.
    """
    pictures, tokens, size = reference.codes.shape
    refuse_component(component, size)
    rows, values = reference.codes.of(component)
    fires = torch.zeros(pictures, dtype=torch.bool)
    fires[(rows[values > 0] // tokens).cpu()] = True
    truth = torch.tensor(reference.truth)
    shares = [
        ClassShare(label, int((fires & (truth == place)).sum()), int((truth == place).sum()))
        for place, label in enumerate(reference.labels)
        if place in reference.truth
    ]
    return tuple(sorted(shares, key=lambda one: (-one.share, -one.images, one.label)))
