"""CLIP-Scope's dictionaries: one torch file a layer, in a folder named after it, such as `22_resid/1200013184.pt`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.inert import load_inert
from core.checkpoints.said import plain, upright
from core.checkpoints.tensors import take
from core.checksum import checksum_of
from core.convention import Convention, TopK

MODEL = "laion/CLIP-ViT-L-14-laion2B-s32B-b82K"  # all of them are its; the files do not say so

_TENSORS = {"pre_b": "d", "enc": "d k", "dec": "k d"}
_LAYER = re.compile(r"^(\d+)_(\w+)$")


def recognises(path: Path) -> bool:
    """Whether `path` is a torch file with these counts and tensors."""
    try:
        held = load_inert(path) if path.is_file() else None
    except (OSError, CheckpointRefused):
        return False
    state = held.get("model_state_dict") if isinstance(held, dict) else None
    return isinstance(state, dict) and set(_TENSORS) <= set(state)


def read(path: Path) -> Checkpoint:
    """The dictionary in the torch file `path`; its folder's name says the layer.

    Raises:
        CheckpointRefused: it is not whole, has no k, or is not of the residual stream.
    """
    held = load_inert(path)
    state, turned = upright(held["model_state_dict"], _TENSORS, width="pre_b")
    said = {name: plain(value) for name, value in held.items() if not isinstance(value, dict)}
    tensors = take(
        path,
        state,
        _TENSORS,
        as_what="a dictionary of CLIP-Scope",
        lengths={"d": said.get("d_in"), "k": said.get("n_features")},
    )
    try:
        # its TopK has no ReLU after it: what is kept may be negative
        activation = TopK(cast(int, said.get("k")), signed=True)
    except ValueError as wrong:
        raise CheckpointRefused(f"{path} keeps the k greatest, and {wrong}; fetch it again.") from wrong
    layer = _LAYER.match(path.absolute().parent.name)
    if layer and layer[2] != "resid":
        raise CheckpointRefused(
            f"{path} lies in {layer[0]}; Tiller reads those of the residual stream, such as 22_resid: choose one."
        )
    return Checkpoint(
        format="clip_scope",
        source=path.name if layer is None else f"{layer[0]}/{path.name}",
        sha256=checksum_of(path),
        encoder=tensors["enc"].T.contiguous(),
        encoder_bias=tensors["enc"].new_zeros(tensors["enc"].shape[1]),
        dictionary=tensors["dec"].contiguous(),
        bias=tensors["pre_b"],
        convention=Convention(activation, pre_bias=True, tokens="all"),
        model=MODEL,
        block=int(layer[1]) if layer else None,
        notes=turned,
        said=said,
    )
