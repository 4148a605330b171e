"""What a file of numbers does not say about itself: centring, scaling, activation, and which tokens it speaks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

TokenSet = Literal["all", "cls", "patches"]


@dataclass(frozen=True)
class Relu:
    """z = max(0, u)."""


@dataclass(frozen=True)
class TopK:
    """The k greatest u of each token, through a ReLU; `signed` leaves the ReLU out, so that codes may be negative."""

    k: int
    signed: bool = False


@dataclass(frozen=True)
class BatchTopK:
    """Trained with k a token on average over a batch; at run time z = u where u is above `threshold`, which is >= 0."""

    k: int
    threshold: float


@dataclass(frozen=True)
class JumpRelu:
    """z = u where u is above the component's own threshold, a parameter of the autoencoder."""


@dataclass(frozen=True)
class NoNorm:
    """The autoencoder reads activations as they are."""


@dataclass(frozen=True)
class LayerNorm:
    """Each token less its mean, over its standard deviation (unbiased) plus `eps`; undone with both on the way out."""

    eps: float = 1e-5


@dataclass(frozen=True)
class ConstantNorm:
    """Each token scaled to norm sqrt(d), and back."""


@dataclass(frozen=True)
class DatasetNorm:
    """Each token less the data set's mean, a parameter of the autoencoder, times `scale`, and back."""

    scale: float


Activation = Relu | TopK | BatchTopK | JumpRelu
Normalisation = NoNorm | LayerNorm | ConstantNorm | DatasetNorm

_ACTIVATIONS = {"relu": Relu, "topk": TopK, "batch_topk": BatchTopK, "jump_relu": JumpRelu}
_NORMALISATIONS = {"none": NoNorm, "layer_norm": LayerNorm, "constant_norm": ConstantNorm, "dataset": DatasetNorm}


@dataclass(frozen=True)
class Convention:
    """How the weights are to be read; two conventions for one file give two different autoencoders.

    `pre_bias` says whether the decoder's bias is taken off before encoding.
    """

    activation: Activation
    normalisation: Normalisation = NoNorm()
    pre_bias: bool = True
    tokens: TokenSet = "all"

    @property
    def non_negative(self) -> bool:
        """Whether no code can be below 0."""
        return not (isinstance(self.activation, TopK) and self.activation.signed)

    def as_json(self) -> dict[str, Any]:
        """Plain values, read back by `from_json`."""
        return {
            "activation": {"kind": _kind(self.activation, _ACTIVATIONS), **asdict(self.activation)},
            "normalisation": {"kind": _kind(self.normalisation, _NORMALISATIONS), **asdict(self.normalisation)},
            "pre_bias": self.pre_bias,
            "tokens": self.tokens,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Convention:
        """The convention that `as_json` wrote.

        Raises:
            ValueError: a kind, a field or a token set is not one of ours.
        """
        if said["tokens"] not in ("all", "cls", "patches"):
            raise ValueError(f"tokens {said['tokens']!r}, not one of all, cls, patches")
        return cls(
            activation=_of_kind(said["activation"], _ACTIVATIONS, "activation"),
            normalisation=_of_kind(said["normalisation"], _NORMALISATIONS, "normalisation"),
            pre_bias=bool(said["pre_bias"]),
            tokens=said["tokens"],
        )


def scale_and_centre(
    normalisation: Normalisation, x: Float[Tensor, "n d"], mean: Float[Tensor, " d"] | None
) -> tuple[Float[Tensor, "n 1"], Tensor]:
    """The way back of the normaliser, u -> scale * u + centre, fixed by the clean activations `x`."""
    match normalisation:
        case NoNorm():
            return x.new_ones(len(x), 1), x.new_zeros(1)
        case LayerNorm():
            return x.std(dim=-1, keepdim=True), x.mean(dim=-1, keepdim=True)
        case ConstantNorm():
            return x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5, x.new_zeros(1)
        case DatasetNorm(scale):
            return x.new_full((len(x), 1), 1 / scale), x.new_zeros(1) if mean is None else mean
        case _:
            assert_never(normalisation)


def normalised(
    normalisation: Normalisation, x: Float[Tensor, "n d"], mean: Float[Tensor, " d"] | None
) -> Float[Tensor, "n d"]:
    """The way in: what the encoder reads."""
    if isinstance(normalisation, NoNorm):
        return x
    scale, centre = scale_and_centre(normalisation, x, mean)
    if isinstance(normalisation, LayerNorm):
        return (x - centre) / (scale + normalisation.eps)
    return (x - centre) / scale.clamp_min(torch.finfo(x.dtype).tiny)


def _kind(choice: object, kinds: Mapping[str, type]) -> str:
    return next(kind for kind, cls in kinds.items() if type(choice) is cls)


def _of_kind(said: Mapping[str, Any], kinds: Mapping[str, type], what: str) -> Any:
    fields = {name: value for name, value in said.items() if name != "kind"}
    if said["kind"] not in kinds:
        raise ValueError(f"{what} {said['kind']!r}, not one of {', '.join(kinds)}")
    try:
        return kinds[said["kind"]](**fields)
    except TypeError as wrong:
        raise ValueError(f"{what} {said['kind']!r}: {wrong}") from wrong
