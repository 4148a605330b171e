"""One batch through the tower: the codes of the tokens that the dictionary reads, and unit image embeddings."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from core.indexing.reading import Batch
from core.indexing.tally import Seen
from core.model import Clip
from core.sae import SparseAutoencoder
from core.tower import can_shorten, class_token_through_last, embedded, through

Place = Literal["class", "patches"]


def class_alone(model: Clip, sae: SparseAutoencoder) -> bool:
    """Whether nothing but the class token after the last block is read, by dictionary and prediction alike."""
    return model.is_last and can_shorten(model.visual) and sae.convention.tokens == "cls"


def places(sae: SparseAutoencoder) -> tuple[Place, ...]:
    """The kinds of token for which the dictionary speaks."""
    both: dict[str, tuple[Place, ...]] = {"all": ("class", "patches"), "cls": ("class",), "patches": ("patches",)}
    return both[sae.convention.tokens]


@torch.inference_mode()
def halves(model: Clip, sae: SparseAutoencoder, pixels: Tensor) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b e"]]:
    """Activations after the block and image embeddings; t is 1 where the class token alone is read.

    The last block then computes its class token alone: the same function as the whole tower, rounded otherwise
    (under 1e-4 in logits), and cheaper.
    """
    if not class_alone(model, sae):
        activations = model.activations(pixels)
        return activations, model.embedding(activations, exact=False)
    before = through(model.visual, model.visual._embeds(pixels), 0, model.block)
    activations = class_token_through_last(model.visual, before)
    return activations, embedded(model.visual, activations)


@torch.inference_mode()
def see(model: Clip, sae: SparseAutoencoder, batch: Batch) -> tuple[Seen, Tensor, Tensor]:
    """What a tally counts of one batch, and the activations and embeddings as they are."""
    activations, embeddings = halves(model, sae, batch.pixels.to(model.text.device, model.visual.conv1.weight.dtype))
    activations, embeddings = activations.float(), embeddings.float()
    codes = sae.encode(activations)
    usable = np.ones(len(batch.pixels), bool)
    usable[list(batch.broken)] = False
    unit = functional.normalize(embeddings, dim=-1).cpu().numpy()
    unit[~usable] = 0
    seen = Seen(
        images=np.arange(batch.first, batch.first + len(usable)),
        usable=usable,
        embeddings=unit,
        tokens=activations.shape[1],
        rows=codes.rows.cpu().numpy(),
        components=codes.components.cpu().numpy(),
        values=codes.values.float().cpu().numpy(),
    )
    return seen, activations, embeddings
