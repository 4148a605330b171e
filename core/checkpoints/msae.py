"""MSAE's dictionaries of whole image embeddings; how to read one stands in the name of its file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.inert import load_inert
from core.checkpoints.said import plain, upright
from core.checkpoints.tensors import take
from core.checksum import checksum_of
from core.convention import (
    Activation,
    Convention,
    DatasetNorm,
    JumpRelu,
    LayerNorm,
    NoNorm,
    Normalisation,
    Relu,
    TopK,
)

_TENSORS = {"pre_bias": "d", "encoder": "d k", "latent_bias": "k", "decoder": "k d"}
_JUMP = "activation.log_threshold"
_SPARE = ("latents_activation_frequency", "dead_activations.log_threshold")
_EPS = 1e-5  # of its normalize_data


class _Name(NamedTuple):
    """What `6144_768_TopKReLU_64_RW_False_False_0.0_cc3m_ViT-L~14_train_image_2905936_768.pth` says."""

    components: int
    width: int
    activation: str
    k: int | None
    nested: bool
    tied: bool
    normalise: bool
    cap: float
    trained_on: str


def recognises(path: Path) -> bool:
    """Whether `path` is a torch file with these tensors and what the embeddings were scaled by."""
    try:
        held = load_inert(path) if path.is_file() else None
    except (OSError, CheckpointRefused):
        return False
    state = held.get("model") if isinstance(held, dict) else None
    return isinstance(state, dict) and {"pre_bias", "encoder", "latent_bias"} <= set(state)


def read(path: Path) -> Checkpoint:
    """The dictionary in the torch file `path`, whose name must be the one that MSAE gave it.

    Raises:
        CheckpointRefused: it is not whole, its name says nothing, or it is of a kind that the engine cannot compute.
    """
    held, name = load_inert(path), _name(path)
    shapes = {part: letters for part, letters in _TENSORS.items() if part != "decoder" or not name.tied}
    activation = _activation(path, name)
    if isinstance(activation, JumpRelu):
        shapes[_JUMP] = "k"
    state, turned = upright(held["model"], shapes, width="pre_bias")
    tensors = take(
        path,
        state,
        shapes,
        as_what="a dictionary of MSAE",
        lengths={"d": name.width, "k": name.components},
        spare=(*_SPARE, "decoder"),
    )
    encoder = tensors["encoder"].T.contiguous()
    normalisation, mean = _normalisation(path, name, held, tensors["pre_bias"])
    notes = list(turned)
    if isinstance(activation, TopK):
        notes.append("MSAE's wrapper also rebuilds embeddings from all codes above 0; these are the k it trained with.")
    if name.nested:
        notes.append(f"It was trained with nested numbers of codes; {name.k}, in its name, is the fewest.")
    return Checkpoint(
        format="msae",
        source=path.name,
        sha256=checksum_of(path),
        encoder=encoder,
        encoder_bias=tensors["latent_bias"],
        dictionary=encoder.clone() if name.tied else tensors["decoder"].contiguous(),
        bias=tensors["pre_bias"],
        convention=Convention(activation, normalisation, pre_bias=True, tokens="cls"),
        thresholds=tensors[_JUMP].exp() if _JUMP in tensors else None,
        mean=mean,
        hook="embedding",
        unsaid=("length",) if isinstance(normalisation, NoNorm | DatasetNorm) else (),
        notes=tuple(notes),
        said={**name._asdict(), **{part: plain(value) for part, value in held.items() if part != "model"}},
    )


def _name(path: Path) -> _Name:
    parts = path.name.partition(".pt")[0].split("_")
    try:
        components, width, activation = int(parts.pop(0)), int(parts.pop(0)), parts.pop(0)
        k = int(parts.pop(0)) if "TopK" in activation else None
        if activation == "ReLU" or (activation == "JumpReLU" and parts[0].isdigit()):
            parts.pop(0)  # the weight of its sparsity; the number of its thresholds
        nested = parts[0] in ("RW", "UW", "FW")
        if nested:
            parts.pop(0)
        tied, normalise = ({"True": True, "False": False}[parts.pop(0)] for _ in range(2))
        cap = float(parts.pop(0))
    except (ValueError, IndexError, KeyError) as wrong:
        raise CheckpointRefused(
            f"{path} is a dictionary of MSAE, which says in a file's name how to read it, and this name says nothing; "
            "give it the name it was published under, such as 6144_768_TopKReLU_64_RW_False_False_0.0_cc3m.pth."
        ) from wrong
    return _Name(components, width, activation, k, nested, tied, normalise, cap, "_".join(parts))


def _activation(path: Path, name: _Name) -> Activation:
    if name.cap > 0:
        raise CheckpointRefused(
            f"{path} caps its codes softly at {name.cap:g} by its name, which Tiller does not compute; choose a "
            "dictionary whose name says 0.0."
        )
    if name.activation == "ReLU":
        return Relu()
    if name.activation == "JumpReLU":
        return JumpRelu()
    if name.activation in ("TopK", "TopKReLU") and name.k:
        return TopK(name.k, signed=name.activation == "TopK")
    why = " whose codes depend on the rest of the batch" if name.activation.startswith("BatchTopK") else ""
    raise CheckpointRefused(
        f"{path} has the activation {name.activation}{why}; Tiller reads ReLU, TopK, TopKReLU and JumpReLU of MSAE: "
        "choose another checkpoint."
    )


def _normalisation(path: Path, name: _Name, held: dict[str, Any], bias: Tensor) -> tuple[Normalisation, Tensor | None]:
    """(x - mean) * scale, and after it, where the name says so, each embedding's own mean and deviation."""
    mean, scale = held.get("mean_center"), held.get("scaling_factor")
    scale = scale.item() if isinstance(scale, Tensor) and scale.numel() == 1 else scale
    scale = scale if isinstance(scale, int | float) and 0 < scale < math.inf else None
    mean = bias.new_zeros(len(bias)) if mean is None else mean
    if not isinstance(mean, Tensor) or mean.shape != bias.shape or scale is None:
        raise CheckpointRefused(
            f"{path} does not say what was taken off the embeddings and what they were multiplied by (mean_center, "
            "scaling_factor); fetch it again."
        )
    centred = bool(mean.count_nonzero())
    if name.normalise and centred:
        raise CheckpointRefused(
            f"{path} takes off the data's mean and then normalises each embedding, which Tiller does not compute; "
            "choose a dictionary that does one of the two."
        )
    if name.normalise:
        return LayerNorm(_EPS / scale), None  # scaling first is the same as a smaller eps
    if not centred and scale == 1:
        return NoNorm(), None
    return DatasetNorm(float(scale)), mean.float()
