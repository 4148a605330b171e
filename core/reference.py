"""Reference sets of several dictionaries of one model, from one pass over the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from core.model import Clip
from core.ripple import ReferenceSet
from core.sae import SparseAutoencoder
from core.tower import through
from core.types import Block, TillerError


@torch.no_grad()
def build_references(
    model: Clip,
    saes: Mapping[str, SparseAutoencoder],
    pixels: Iterable[Float[Tensor, "_ 3 h w"]],
    truth: Sequence[int],
    names: Sequence[str],
) -> dict[str, ReferenceSet]:
    """The reference set of each dictionary, with the bits of `core.ripple.build_reference`.

    Dictionaries of one block share activations and embeddings; those of later blocks go on from where the earlier are.
    """
    cuts = {sae.block: sae.cut(model) for sae in saes.values()}
    in_order = sorted(cuts.items(), key=lambda each: (each[1].passed, each[1].at_embedding))
    kept: dict[Block, list[Tensor]] = {block: [] for block in cuts}
    embeddings: dict[Block, list[Tensor]] = {block: [] for block in cuts}
    for batch in pixels:
        x, after = model.visual._embeds(batch.to(model.dtype)), 0
        for block, cut in in_order:
            x, after = through(model.visual, x, after, cut.passed), cut.passed
            activations = cut.given(x)
            if cut.reads_one_token:
                activations = activations[:, :1].clone()
            kept[block].append(activations)
            embeddings[block].append(cut.embedding(activations, exact=False))
    if not names:
        raise TillerError("A reference set was asked for and no picture was given; name at least one.")
    whole = {block: torch.cat(each) for block, each in kept.items()}
    embedded = {block: torch.cat(each) for block, each in embeddings.items()}
    return {
        which: ReferenceSet(
            whole[sae.block],
            sae.encode(whole[sae.block]),
            embedded[sae.block],
            model.labels,
            tuple(truth),
            tuple(names),
        )
        for which, sae in saes.items()
    }
