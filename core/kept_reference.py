"""The reference pictures that an index keeps, ready for a ripple: nothing of them is run through the model again."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.index import Index
from core.model import Clip
from core.ripple import ReferenceSet
from core.sae import SparseAutoencoder


def reference_of(
    index: Index, model: Clip, sae: SparseAutoencoder, truth: Sequence[int], names: Sequence[str]
) -> ReferenceSet | None:
    """The reference set of the pictures `names`, within 1e-4 in logits of what `core.reference` computes.

    None where the index does not keep them all, or was built with other weights, a dictionary of another block, on
    another kind of device or in another precision. Whether the pictures are still the same is not looked at.
    """
    file = index.file
    if file is None:
        return None
    kind = str(model.dtype).removeprefix("torch."), model.device.type
    said = file.heading["settings"]
    same = (said["precision"], said["device"]) == kind and file.heading["dictionary"]["block"] == model.block
    if file.heading["model"]["sha256"] != model.digest or not same:
        return None
    files = file.texts("files")
    rows = {files[place]: row for row, place in enumerate(file["reference_images"].tolist())}
    if not names or not all(name in rows for name in names):
        return None
    chosen = [rows[name] for name in names]
    activations = torch.from_numpy(file["reference_activations"][chosen]).to(model.device)
    return ReferenceSet(
        activations,
        sae.encode(activations),
        torch.from_numpy(file["reference_embeddings"][chosen]).to(model.device),
        model.labels,
        tuple(truth),
        tuple(names),
    )
