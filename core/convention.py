"""What a file of numbers does not say about itself: centring, scaling, activation, and which tokens it speaks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from core.types import TokenSet


@dataclass(frozen=True)
class Relu:
    """z = max(0, u)."""


@dataclass(frozen=True)
class TopK:
    """The k greatest u of each token, through a ReLU; `signed` leaves the ReLU out, so that codes may be negative."""

    k: int
    signed: bool = False

    def __post_init__(self) -> None:
        _refuse_unless(_is_count(self.k), f"k is {self.k!r}, not a whole number from 1")
        _refuse_unless(isinstance(self.signed, bool), f"signed is {self.signed!r}, not true or false")


@dataclass(frozen=True)
class BatchTopK:
    """Trained with k a token on average over a batch; at run time z = u where u is above `threshold`, which is >= 0."""

    k: int
    threshold: float

    def __post_init__(self) -> None:
        _refuse_unless(_is_count(self.k), f"k is {self.k!r}, not a whole number from 1")
        _refuse_unless(_is_number(self.threshold), f"threshold is {self.threshold!r}, not a finite number")


@dataclass(frozen=True)
class JumpRelu:
    """z = u where u is above 0 and the component's own threshold, a parameter of the autoencoder."""


@dataclass(frozen=True)
class NoNorm:
    """The autoencoder reads activations as they are."""


@dataclass(frozen=True)
class LayerNorm:
    """Each token less its mean, over its standard deviation (unbiased) plus `eps`; undone with both on the way out."""

    eps: float = 1e-5

    def __post_init__(self) -> None:
        _refuse_unless(_is_number(self.eps) and self.eps >= 0, f"eps is {self.eps!r}, not a number from 0")


@dataclass(frozen=True)
class ConstantNorm:
    """Each token scaled to norm sqrt(d), and back."""


@dataclass(frozen=True)
class DatasetNorm:
    """Each token less the data set's mean, a parameter of the autoencoder, times `scale`, and back."""

    scale: float

    def __post_init__(self) -> None:
        _refuse_unless(_is_number(self.scale) and self.scale > 0, f"scale is {self.scale!r}, not a number above 0")


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
        _refuse_unless(isinstance(said["pre_bias"], bool), f"pre_bias is {said['pre_bias']!r}, not true or false")
        return cls(
            activation=_of_kind(said["activation"], _ACTIVATIONS, "activation"),
            normalisation=_of_kind(said["normalisation"], _NORMALISATIONS, "normalisation"),
            pre_bias=said["pre_bias"],
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


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refuse_unless(sound: bool, fault: str) -> None:
    if not sound:
        raise ValueError(fault)


def _of_kind(said: Any, kinds: Mapping[str, type], what: str) -> Any:
    if not isinstance(said, dict) or not isinstance(said.get("kind"), str):
        raise ValueError(f"{what} {said!r}, not an object with a kind")
    fields = {name: value for name, value in said.items() if name != "kind"}
    if said["kind"] not in kinds:
        raise ValueError(f"{what} {said['kind']!r}, not one of {', '.join(kinds)}")
    try:
        return kinds[said["kind"]](**fields)
    except TypeError as wrong:
        raise ValueError(f"{what} {said['kind']!r}: {wrong}") from wrong
