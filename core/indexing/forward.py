"""One batch through the tower: the codes of the tokens that the dictionary reads, and unit image embeddings."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from core.indexing.encoding import encoder_of
from core.indexing.reading import Batch
from core.indexing.tally import Seen
from core.model import Clip
from core.packing import packed_blocks
from core.sae import SparseAutoencoder
from core.tower import can_shorten, class_token_through_last, embedded, through

Place = Literal["class", "patches"]


def class_alone(model: Clip, sae: SparseAutoencoder) -> bool:
    """Whether nothing but the class token after the last block is read, by dictionary and prediction alike.

    At the embedding it is read through that, or through all of them where the tower pools otherwise: one token of it.
    """
    return model.at_embedding or (model.is_last and can_shorten(model.visual) and sae.convention.tokens == "cls")


def places(sae: SparseAutoencoder) -> tuple[Place, ...]:
    """The kinds of token for which the dictionary speaks."""
    both: dict[str, tuple[Place, ...]] = {"all": ("class", "patches"), "cls": ("class",), "patches": ("patches",)}
    return both[sae.convention.tokens]


class Sight:
    """A model and a dictionary made ready for many batches; with it go copies of weights in other layouts."""

    def __init__(self, model: Clip, sae: SparseAutoencoder, images: int) -> None:
        """`images` are those of a batch, about."""
        self.model, self.sae, self._encode = model, sae, encoder_of(sae)
        self._short = can_shorten(model.visual) and (not model.is_last or class_alone(model, sae))
        self._stop = model.depth - 1 if self._short else model.depth
        self._blocks = packed_blocks(model.visual, self._stop, images * (model.grid**2 + 1))

    @torch.inference_mode()
    def halves(self, pixels: Tensor) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b e"]]:
        """Activations at the cut and image embeddings; t is 1 where one token alone is read.

        The last block computes its class token alone where nothing else of it is read: the same function as the whole
        tower, rounded otherwise (under 1e-4 in logits), and cheaper.
        """
        model, visual = self.model, self.model.visual
        middle = min(model.passed, self._stop)
        x = activations = through(visual, visual._embeds(pixels), 0, middle, blocks=self._blocks)
        x = through(visual, x, middle, self._stop, blocks=self._blocks)
        if self._short:
            x = class_token_through_last(visual, x)
        vectors = embedded(visual, x).float()
        if model.at_embedding:
            return vectors[:, None], vectors
        return (x if model.is_last else activations).float(), vectors

    @torch.inference_mode()
    def see(self, batch: Batch) -> tuple[Seen, Tensor, Tensor]:
        """What a tally counts of one batch, and the activations and embeddings as they are."""
        activations, embeddings = self.halves(batch.pixels.to(self.model.device, self.model.dtype))
        rows, components, values = self._encode(activations)
        usable = np.ones(len(batch.pixels), bool)
        usable[list(batch.broken)] = False
        unit = functional.normalize(embeddings, dim=-1).cpu().numpy()
        unit[~usable] = 0
        seen = Seen(
            images=np.arange(batch.first, batch.first + len(usable)),
            usable=usable,
            embeddings=unit,
            tokens=activations.shape[1],
            rows=rows,
            components=components,
            values=values,
        )
        return seen, activations, embeddings
