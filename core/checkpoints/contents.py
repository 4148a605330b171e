"""What a foreign file holds, brought into one form; the gate alone makes an autoencoder of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from core.convention import Convention
from core.sae import TENSORS, SparseAutoencoder
from core.types import EMBEDDING, Block

Hook = Literal["block", "mlp_out", "embedding"]
NATIVE = "native"
Unsaid = Literal["pre_bias", "normalisation", "scale", "length"]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights in the form of `SparseAutoencoder`, and all that their file says of itself.

    `convention` is what the format's own code computes. `unsaid` lists what neither the file nor its format settles,
    so that the gate has to find it on real activations: `pre_bias`, `normalisation`, the `scale` of the
    reconstruction, or the `length` of embeddings: whether each was brought to length 1 before anything else.

    Args:
        format: the reader's name, such as "prisma".
        source: the file's name, without its folder.
        sha256: of the bytes that hold the weights.
        model: the backbone in the file's own words, None where it names none.
        block: from 0; None where the file does not say, and at the embedding.
        hook: "block" is the residual stream after that block, "embedding" what the tower gives before it is brought to
            length 1; nowhere else can Tiller cut.
        notes: what the reader put right or wants known, one sentence each.
        said: the file's own configuration as plain JSON values.
    """

    format: str
    source: str
    sha256: str
    encoder: Float[Tensor, "k d"]
    encoder_bias: Float[Tensor, " k"]
    dictionary: Float[Tensor, "k d"]
    bias: Float[Tensor, " d"]
    convention: Convention
    thresholds: Float[Tensor, " k"] | None = None
    mean: Float[Tensor, " d"] | None = None
    model: str | None = None
    block: int | None = None
    hook: Hook = "block"
    unsaid: tuple[Unsaid, ...] = ()
    notes: tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sae: SparseAutoencoder, *, source: str, sha256: str) -> Checkpoint:
        """A native file's autoencoder as the gate takes it: everything is stated."""
        tensors = {name: getattr(sae, name) for name in TENSORS}
        held: dict[str, Any] = {name: None if tensor is None else tensor.data for name, tensor in tensors.items()}
        return cls(
            format=NATIVE,
            source=source,
            sha256=sha256,
            **held,
            convention=sae.convention,
            model=sae.header.get("model"),
            block=None if isinstance(sae.block, str) else sae.block,
            hook="embedding" if sae.block == EMBEDDING else "block",
            said=sae.header,
        )

    @property
    def place(self) -> Block | None:
        """Where the tower is to be cut for it; None where the file does not say after which block."""
        return EMBEDDING if self.hook == "embedding" else self.block

    def moved(self, block: Block, note: str) -> Checkpoint:
        """The same said to be of another place, and why it is."""
        place: dict[str, Any] = {"block": block, "hook": "block"}
        if block == EMBEDDING:
            place = {"block": None, "hook": "embedding"}
        return replace(self, **place, notes=(*self.notes, note))

    def stated(self, device: str | torch.device = "cpu") -> SparseAutoencoder:
        """The autoencoder by the file's own word, with no gate in between; nothing is copied on one device."""
        held = {name: getattr(self, name) for name in TENSORS}
        moved: dict[str, Any] = {name: None if tensor is None else tensor.to(device) for name, tensor in held.items()}
        return SparseAutoencoder(**moved, convention=self.convention)
