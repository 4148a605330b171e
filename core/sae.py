"""A sparse autoencoder is a dictionary with a convention: the same numbers read another way are another autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, assert_never, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from core.codes import Codes
from core.convention import (
    Activation,
    BatchTopK,
    ConstantNorm,
    Convention,
    DatasetNorm,
    JumpRelu,
    LayerNorm,
    NoNorm,
    Normalisation,
    Relu,
    TopK,
    normalised,
    scale_and_centre,
)
from core.digest import dictionary_digest
from core.types import EMBEDDING, Block, TillerError, cut_name, place_of
from core.weights import weights_digest

if TYPE_CHECKING:
    from core.model import Clip  # with it comes all of open_clip, which reading a file does not need

__all__ = [
    "Activation",
    "BatchTopK",
    "Codes",
    "ConstantNorm",
    "Convention",
    "DatasetNorm",
    "JumpRelu",
    "LayerNorm",
    "NoNorm",
    "Normalisation",
    "Relu",
    "SparseAutoencoder",
    "TopK",
]

PRE_ACTIVATIONS_AT_ONCE = 1 << 24  # 64 MiB of float32 while encoding, whatever the batch


TENSORS = ("encoder", "encoder_bias", "dictionary", "bias", "thresholds", "mean")  # of a SparseAutoencoder


class SparseAutoencoder(nn.Module):
    """Reads activations x as sparse codes z, and z as a reconstruction of x; its weights are never written to.

        u = (norm(x) - pre_bias * bias) @ encoder.T + encoder_bias;  z = activation(u)
        x_hat = denorm(z @ dictionary + bias)

    Tokens it does not speak for get no code and no shift, and pass through a reconstruction as they are.

    Args:
        thresholds: one per component, with `JumpRelu` only.
        mean: of the data set, with `DatasetNorm` only.
        header: what is known of its making: `model`, `weights` (digest), `block`, `training`, `metrics`.
    """

    def __init__(
        self,
        encoder: Float[Tensor, "k d"],
        encoder_bias: Float[Tensor, " k"],
        dictionary: Float[Tensor, "k d"],
        bias: Float[Tensor, " d"],
        *,
        convention: Convention,
        thresholds: Float[Tensor, " k"] | None = None,
        mean: Float[Tensor, " d"] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if isinstance(convention.activation, JumpRelu) != (thresholds is not None):
            raise ValueError("Thresholds go with the JumpReLU activation, and only there.")
        if isinstance(convention.normalisation, DatasetNorm) != (mean is not None):
            raise ValueError("A mean goes with the data-set normalisation, and only there.")
        self.encoder = nn.Parameter(encoder, requires_grad=False)
        self.encoder_bias = nn.Parameter(encoder_bias, requires_grad=False)
        self.dictionary = nn.Parameter(dictionary, requires_grad=False)
        self.bias = nn.Parameter(bias, requires_grad=False)
        self.thresholds = None if thresholds is None else nn.Parameter(thresholds, requires_grad=False)
        self.mean = None if mean is None else nn.Parameter(mean, requires_grad=False)
        self.convention = convention
        self.header = dict(header or {})

    @property
    def size(self) -> int:
        """How many latents the dictionary has."""
        return self.dictionary.shape[0]

    @property
    def block(self) -> Block:
        """Where it was made, as its header says.

        Raises:
            KeyError: it has no header.
        """
        return self.header["block"]

    @property
    def width(self) -> int:
        """Length of the activations it reads."""
        return self.dictionary.shape[1]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights and the convention, the same whatever file they came from."""
        return dictionary_digest(weights_digest(self), self.convention.as_json())

    def changed(self, **parts: Any) -> SparseAutoencoder:
        """Another autoencoder with some `parts` of the constructor's in place of its own, and no header."""
        held = {name: getattr(self, name) for name in (*TENSORS, "convention")}
        return SparseAutoencoder(**(held | parts))

    def check(self, model: Clip) -> None:
        """Refuse a model of another width, with other weights, or cut elsewhere, in one sentence."""
        self._check_backbone(model)
        if self.header.get("block", model.block) != model.block:
            raise TillerError(
                f"The dictionary was made at {cut_name(self.header['block'])}, and {model.name} is cut "
                f"{place_of(model.block)}; cut it {place_of(self.header['block'])}."
            )

    def cut(self, model: Clip) -> Clip:
        """`model` cut where this was made; refuses one of another width or with other weights.

        Raises:
            KeyError: it has no header.
        """
        self._check_backbone(model)
        return model.at(self.block)

    def _check_backbone(self, model: Clip) -> None:
        header = self.header
        block: Block = header.get("block", model.block)
        if self.width != model.width_at(block):
            what = "embeddings" if block == EMBEDDING else "activations"
            raise TillerError(
                f"The dictionary reads {what} {self.width} wide, and {model.name} gives {model.width_at(block)}; "
                f"load a dictionary made for {model.name}."
            )
        if block == EMBEDDING and self.convention.tokens != "cls":
            raise TillerError(
                f"The dictionary says that it reads tokens {self.convention.tokens}, and an embedding is one, which is "
                "called cls; convert its file again."
            )
        if header.get("weights", model.digest) != model.digest:
            raise TillerError(
                f"The dictionary was made on {header.get('model', 'another model')} with weights of the "
                f"digest {header['weights'][:12]}, and those of this {model.name} have {model.digest[:12]}; "
                "load the weights it was made on."
            )

    def rows(self, images: int, tokens: int) -> Int[Tensor, " n"]:
        """The rows (image * tokens + token) it speaks for in a batch."""
        every = torch.arange(images * tokens, device=self.bias.device).view(images, tokens)
        chosen = {"all": slice(None), "cls": slice(0, 1), "patches": slice(1, None)}[self.convention.tokens]
        return every[:, chosen].reshape(-1)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "*b t d"]) -> Codes:
        """The codes of one image's tokens or of a batch's; memory is bounded, whatever the batch."""
        tokens, width = x.shape[-2:]
        flat = x.reshape(-1, width)
        images = len(flat) // tokens
        rows = self.rows(images, tokens)
        step = max(1, PRE_ACTIVATIONS_AT_ONCE // self.size)
        found = [self._entries(flat[some], some) for some in rows.split(step)]
        entries = [torch.cat(part) for part in zip(*found, strict=True)]
        return Codes.sorted(entries[0], entries[1], entries[2], (images, tokens, self.size))

    @torch.no_grad()
    def decode(self, codes: Codes, *, at: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """The reconstruction from `codes`, scaled back as the clean activations `at` say."""
        rows, flat = self.rows(*at.shape[:2]), at.flatten(0, 1)
        scale, centre = self.frame(flat[rows])
        return flat.index_copy(0, rows, scale * (codes.weigh(self.dictionary)[rows] + self.bias) + centre).view(
            at.shape
        )

    @torch.no_grad()
    def shift(
        self, change: Float[Tensor, "n m"], components: Int[Tensor, " m"], *, at: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n d"]:
        """What `change` in the codes of `components` adds to the activations `at`; reads those m dictionary rows."""
        return self.frame(at)[0] * (change @ self.dictionary[components])

    def frame(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n 1"], Tensor]:
        """Scale and centre of the normaliser's way back, fixed by the clean activations `x`."""
        if not len(x):  # torch warns of a deviation over nothing
            return x.new_ones(0, 1), x.new_zeros(1)
        return scale_and_centre(self.convention.normalisation, x, self.mean)

    @property
    def floor(self) -> Tensor | None:
        """What a code has to exceed, never below 0: one for all or one each; None where codes are chosen by rank."""
        match self.convention.activation:
            case TopK():
                return None
            case Relu():
                return self.bias.new_zeros(1)
            case BatchTopK(_, threshold):
                return self.bias.new_full((1,), max(0.0, threshold))
            case JumpRelu():
                return cast(Tensor, self.thresholds).detach().clamp_min(0.0)
            case _ as other:
                assert_never(other)

    def read(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """What the rows of the encoder are multiplied with: normalised, and less the bias where the convention says."""
        read = normalised(self.convention.normalisation, x, self.mean)
        return read - self.bias if self.convention.pre_bias else read

    def _entries(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u = functional.linear(self.read(x), self.encoder, self.encoder_bias)
        activation, floor = self.convention.activation, self.floor
        if isinstance(activation, TopK):
            values, components = u.topk(min(activation.k, self.size), dim=-1)
            token, place = torch.nonzero(values if activation.signed else values.relu_(), as_tuple=True)
            return rows[token], components[token, place], values[token, place]
        token, component = torch.nonzero(u > cast(Tensor, floor), as_tuple=True)
        return rows[token], component, u[token, component]
