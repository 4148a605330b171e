"""One model, the dictionary that reads it and what is known of its components, opened together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.bundle import description_of, load_instrument, load_model
from core.checkpoints.native import load_native
from core.description import refuse_names
from core.index import NOTHING, Index
from core.model import Clip
from core.sae import SparseAutoencoder
from core.types import Scope, TillerError, refuse_component


@dataclass(frozen=True)
class Instrument:
    """A model cut at its dictionary's block; `components` is empty where nothing is known of them."""

    model: Clip
    sae: SparseAutoencoder
    components: Index

    def unit(self, component: int, scope: Scope) -> float:
        """The p99 of `component` in codes; an error where it is not known."""
        refuse_component(component, self.sae.size)
        card = self.components.get(component)
        size = card.unit(scope) if card else float("nan")
        if not size > 0:
            count = self.components.with_unit(scope)
            known = (
                f"{count:,} of its dictionary's {self.sae.size:,} components have one"
                if count
                else "this dictionary has none"
            )
            raise TillerError(
                f"Component {component} has no p99, and {known}; give set and add in codes with --units code."
            )
        return size

    def names(self) -> dict[str, dict[str, Any]]:
        """What the log and the JSON output call the model and its dictionary."""
        return {
            "model": {"name": self.model.name, "sha256": self.model.digest, "logit_scale": self.model.scale},
            "sae": {"block": self.model.block, "components": self.sae.size, "sha256": self.sae.digest},
        }


def open_instrument(
    demo: Path,
    *,
    model: str | None,
    pretrained: str | None,
    sae: str | None,
    labels: Sequence[str] | None,
    templates: Sequence[str] | None,
    home: str,
    device: str = "cpu",
) -> Instrument:
    """The model and dictionary of the bundle in `demo`, or those that are named as on the command line.

    Args:
        demo: a bundle's folder.
        model: an open_clip architecture.
        pretrained: its published tag, or a file that holds a state dict.
        sae: the name of one of the bundle's dictionaries, or a native file.
        labels: class names; the bundle's own where None.
        templates: prompt templates; the model's own where None.
        home: which of the bundle's dictionaries serves where none is named; its first where it has none of that name.
        device: where it computes, as torch names it.
    """
    there = tuple(description_of(demo)["dictionaries"]) if model is None or sae is None else ("spatial", "cls")
    refuse_names(model, pretrained, sae, there)
    home = home if home in there else there[0]
    which = sae if sae is not None and sae in there else home
    if model is None and sae in (None, which):
        clip, dictionary, components = load_instrument(demo, which, device=device)
    else:
        dictionary, components = load_native(Path(sae or which), device=device), NOTHING
        if model is None:
            clip = load_model(demo, device=device)
        else:
            clip = Clip.load(model, pretrained, block=-1, labels=labels or (), device=device)
        clip = dictionary.cut(clip)
    if labels is not None or templates:
        clip = clip.labelled(clip.labels if labels is None else labels, templates or None)
    return Instrument(clip, dictionary, components)
