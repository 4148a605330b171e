"""attributing-clip's Lightning checkpoints: weight-normed layers, codes of either sign, and no scale of the output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.inert import load_inert
from core.checkpoints.tensors import norms_of, take
from core.checksum import checksum_of
from core.convention import Convention, TopK

WEIGHTS = "last.ckpt"
K, TOKEN = 64, "cls"  # the library's own, in every configuration that it makes

_SHAPES = {
    "encoder.0.bias": "k",
    "encoder.0.weight_g": "k 1",
    "encoder.0.weight_v": "k d",
    "decoder.weight_g": "1 k",
    "decoder.weight_v": "d k",
}
# clip_vit_b32_datacomp_xl_s13b_b90k_imagenet_topk-cls-64-30000_layer--1_lr_0.0002
_FOLDER = re.compile(
    r"^(?P<model>clip_vit_(?P<size>[a-z]\d+).*?)(?:_imagenet)?_topk-(?P<token>cls|spatial)-(?P<k>[1-9]\d*)-\d+"
    r"(?:_layer-(?P<layer>-?\d+))?(?:_|$)"
)
_DEPTHS = {"b32": 12, "b16": 12, "l14": 24, "h14": 32}


def recognises(path: Path) -> bool:
    """Whether `path` is such a checkpoint, or a folder with a `last.ckpt`."""
    try:
        file = path / WEIGHTS if path.is_dir() else path
        return file.is_file() and {"encoder.0.weight_v", "decoder.weight_v"} <= set(_state(file))
    except (OSError, CheckpointRefused):
        return False


def read(path: Path) -> Checkpoint:
    """The autoencoder in the file or folder `path`.

    Neither k nor the token nor the block is in the file: they are read from the name of its folder, as the library
    makes it, and are the library's own defaults where the folder has another name.

    Raises:
        CheckpointRefused: it is not whole.
    """
    file = path / WEIGHTS if path.is_dir() else path
    tensors = take(file, _state(file), _SHAPES, as_what="a dictionary of attributing-clip", lengths={"1": 1})
    named = _FOLDER.search(file.absolute().parent.name)
    notes = ["It was trained on directions alone, so that the length of its reconstruction means nothing."]
    if not named:
        notes.append(f"The folder does not name k and token, which are taken to be the library's own: {K}, {TOKEN}.")
    return Checkpoint(
        format="attributing_clip",
        source=path.name,
        sha256=checksum_of(file),
        encoder=_weight(tensors["encoder.0.weight_g"][:, 0], tensors["encoder.0.weight_v"]),
        encoder_bias=tensors["encoder.0.bias"],
        dictionary=_weight(tensors["decoder.weight_g"][0], tensors["decoder.weight_v"].T).contiguous(),
        bias=tensors["decoder.weight_v"].new_zeros(tensors["decoder.weight_v"].shape[0]),
        convention=Convention(
            TopK(int(named["k"]) if named else K, signed=True),
            pre_bias=False,
            tokens="patches" if named and named["token"] == "spatial" else "cls",
        ),
        model=named["model"] if named else None,
        block=_block(named),
        unsaid=("scale",),
        notes=tuple(notes),
        said={**named.groupdict()} if named else {},
    )


def _state(file: Path) -> Mapping[str, Any]:
    held = load_inert(file)
    state = held.get("state_dict") if isinstance(held, dict) else None
    if not isinstance(state, dict):
        raise CheckpointRefused(f"{file} holds no `state_dict`, as Lightning writes it; name the last.ckpt of a run.")
    return state


def _weight(gain: Tensor, direction: Tensor) -> Tensor:
    """torch's weight_norm, undone: each row's direction at the length that is its gain."""
    return direction * (gain / norms_of(direction))[:, None]


def _block(named: re.Match[str] | None) -> int | None:
    if not named or named["layer"] is None:
        return None
    layer, depth = int(named["layer"]), _DEPTHS.get(named["size"])
    if layer >= 0:
        return layer
    return None if depth is None else depth + layer
