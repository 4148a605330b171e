"""PatchSAE's and ConceptScope's dictionaries: one torch file with the pickled configuration of their trainer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.inert import load_inert
from core.checkpoints.said import plain, upright
from core.checkpoints.tensors import take
from core.checksum import checksum_of
from core.convention import Convention, Relu, TokenSet

_TENSORS = {"W_enc": "d k", "b_enc": "k", "W_dec": "k d", "b_dec": "d"}
_OF_GATED = ("r_mag", "b_mag")
# of the vision tower, by the size in the model's name; blocks are counted from the end in these files
_DEPTHS = {"base": 12, "b": 12, "large": 24, "l": 24, "huge": 32, "h": 32}
_SIZE = re.compile(r"vit-(base|large|huge|b|l|h)(?:-|$)", re.IGNORECASE)
_TOKENS: dict[Any, TokenSet] = {
    None: "all",
    False: "all",
    "include": "all",  # ConceptScope's words
    True: "cls",
    "only": "cls",
    "exclude": "patches",
}


def recognises(path: Path) -> bool:
    """Whether `path` is a torch file with tensors of these names and a trainer's configuration that names a module."""
    try:
        held = load_inert(path) if path.is_file() else None
    except (OSError, CheckpointRefused):
        return False
    return isinstance(held, dict) and isinstance(held.get("state_dict"), dict) and "block_layer" in _said(held)


def read(path: Path) -> Checkpoint:
    """The dictionary in the torch file `path`.

    Raises:
        CheckpointRefused: it is not whole, or is of a kind that the engine cannot compute.
    """
    held = load_inert(path)
    said = plain(_said(held))
    if said.get("gated_sae"):
        raise CheckpointRefused(
            f"{path} is a gated dictionary, for which PatchSAE and ConceptScope have no forward pass; choose another."
        )
    if said.get("module_name", "resid") != "resid":
        raise CheckpointRefused(
            f"{path} holds a dictionary of {said['module_name']!r}; Tiller reads those of 'resid', the residual "
            "stream: choose another checkpoint."
        )
    state, turned = upright(held["state_dict"], _TENSORS, width="b_dec")
    tensors = take(
        path,
        state,
        _TENSORS,
        as_what="a dictionary of PatchSAE",
        lengths={"d": said.get("d_in"), "k": said.get("d_sae")},
        spare=_OF_GATED,
    )
    model = said["model_name"] if isinstance(said.get("model_name"), str) else None
    block, notes = _block(path, said["block_layer"], model)
    return Checkpoint(
        format="patchsae",
        source=path.name,
        sha256=checksum_of(path),
        encoder=tensors["W_enc"].T.contiguous(),
        encoder_bias=tensors["b_enc"],
        dictionary=tensors["W_dec"].contiguous(),
        bias=tensors["b_dec"],
        convention=Convention(Relu(), pre_bias=True, tokens=_tokens(path, said)),
        model=model,
        block=block,
        notes=(*turned, *notes),
        said=said,
    )


def _said(held: Mapping[str, Any]) -> Mapping[str, Any]:
    found = held.get("cfg") if "cfg" in held else held.get("config")
    return found if isinstance(found, dict) else {}


def _block(path: Path, layer: object, model: str | None) -> tuple[int | None, tuple[str, ...]]:
    """Block from 0, where the model's name says how many there are."""
    if not isinstance(layer, int) or isinstance(layer, bool):
        raise CheckpointRefused(f"The configuration of {path} says block_layer {layer!r}, no whole number; correct it.")
    if layer >= 0:
        return layer, ()
    found = _SIZE.search(model or "")
    counted = f"It says block {layer}, counted from the end"
    if not found or _DEPTHS[found[1].lower()] + layer < 0:
        return None, (f"{counted}, of a model whose depth its name does not say.",)
    depth = _DEPTHS[found[1].lower()]
    return depth + layer, (f"{counted}: block {depth + layer} of the {depth} of {model}.",)


def _tokens(path: Path, said: Mapping[str, Any]) -> TokenSet:
    named = said.get("class_token")
    if not isinstance(named, bool | str | None) or named not in _TOKENS:
        raise CheckpointRefused(
            f"The configuration of {path} says class_token {named!r}; Tiller reads true and false, include, exclude "
            "and only: correct it."
        )
    return _TOKENS[named]
