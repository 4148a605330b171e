"""The reference set that an index keeps, ready for a ripple: nothing of it is run through the model again."""

from __future__ import annotations

import torch

from core.index import Index
from core.model import Clip
from core.ripple import ReferenceSet
from core.sae import SparseAutoencoder
from core.types import TillerError


def reference_of(index: Index, model: Clip, sae: SparseAutoencoder) -> ReferenceSet:
    """The pictures of known class whose activations an index holds.

    Raises:
        TillerError: the index holds none, or was built with another model or dictionary.
    """
    file = index.file
    if file is None or not len(known := (file["reference_truths"] >= 0).nonzero()[0]):
        raise TillerError(
            "A reference set was asked for, and the index holds no picture of known class; build it with "
            "--labels-from-folders or a table of truths."
        )
    index.check_model(model)
    index.check(sae)
    device, names = model.text.device, file.texts("files")
    activations = torch.from_numpy(file["reference_activations"][known]).to(device)
    return ReferenceSet(
        activations,
        sae.encode(activations),
        torch.from_numpy(file["reference_embeddings"][known]).to(device),
        tuple(file.heading["labels"]),
        tuple(file["reference_truths"][known].tolist()),
        tuple(names[place] for place in file["reference_images"][known].tolist()),
    )
