"""Prisma's dictionaries: `weights.pt` or `n_images_*.pt`, with `config.json` beside it or its configuration pickled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint, Hook, Unsaid
from core.checkpoints.inert import load_inert
from core.checkpoints.places import place_named
from core.checkpoints.said import plain, upright
from core.checkpoints.tensors import jump_of_gated, read_json, take
from core.checksum import checksum_of
from core.convention import (
    Activation,
    ConstantNorm,
    Convention,
    JumpRelu,
    LayerNorm,
    NoNorm,
    Normalisation,
    Relu,
    TokenSet,
    TopK,
)

WEIGHTS, CONFIGURATION = "weights.pt", "config.json"

_TENSORS = {"W_enc": "d k", "b_enc": "k", "W_dec": "k d", "b_dec": "d"}
_GATED = {"W_enc": "d k", "r_mag": "k", "b_gate": "k", "b_mag": "k", "W_dec": "k d", "b_dec": "d"}
_OF_TRANSCODERS = ("b_dec_out", "W_skip")
_NORMALISATIONS: dict[str, Normalisation] = {
    "none": NoNorm(),
    "null": NoNorm(),
    "layer_norm": LayerNorm(1e-5),
    "constant_norm_rescale": ConstantNorm(),
}
_IMAGES = re.compile(r"n_images_(\d+)\.pt$")
_DECIDING = (
    "hook_point_layer",
    "layer_subtype",
    "activation_fn_str",
    "activation_fn_kwargs",
    "normalize_activations",
    "architecture",
    "cls_token_only",
    "use_patches_only",
)


class _File(NamedTuple):
    """A weights file, its tensors, its configuration (None where there is none) and what is to be noted."""

    path: Path
    state: Mapping[str, Any]
    said: dict[str, Any] | None
    notes: tuple[str, ...]


def recognises(path: Path) -> bool:
    """Whether `path` is, or is a folder with, tensors of these names and no configuration of another library."""
    try:
        file = _opened(path)
    except (OSError, CheckpointRefused):
        return False
    if not set(_TENSORS) - {"b_enc"} <= set(file.state) or not {"b_enc", "r_mag"} & set(file.state):
        return False
    if file.said is None:
        return set(file.state) <= {*_TENSORS, *_GATED, *_OF_TRANSCODERS}
    return "hook_point_layer" in file.said or "activation_fn_str" in file.said


def read(path: Path) -> Checkpoint:
    """The dictionary in the file `path`, or in the folder `path`: `weights.pt`, else the latest `n_images_*.pt`.

    Raises:
        CheckpointRefused: it is not whole, has no configuration, or is of a kind that the engine cannot compute.
    """
    file = _opened(path)
    if file.said is None:
        raise CheckpointRefused(
            f"{file.path} holds the tensors of a Prisma dictionary and no configuration, which alone says activation, "
            f"block and tokens; put its {CONFIGURATION} beside it."
        )
    said = file.said
    gated = _is_gated(file)
    shapes = _GATED if gated else _TENSORS
    state, turned = upright(file.state, shapes, width="b_dec")
    tensors = take(
        file.path,
        state,
        shapes,
        as_what="a gated dictionary of Prisma" if gated else "a dictionary of Prisma",
        lengths={"d": _count(file, "d_in"), "k": _count(file, "d_sae")},
        spare=("b_enc",) if gated else (),
    )
    notes, thresholds = [*file.notes, *turned], None
    activation = _activation(file, gated=gated)
    encoder, encoder_bias = tensors["W_enc"].T, tensors.get("b_enc")
    if gated:
        encoder, encoder_bias, thresholds = jump_of_gated(
            encoder, log_gain=tensors["r_mag"], gate_bias=tensors["b_gate"], magnitude_bias=tensors["b_mag"]
        )
        notes.append("The gate was written as a threshold, which is the same for every input.")
    normalisation, unsaid, why = _normalisation(file)
    block, hook = _place(file)
    return Checkpoint(
        format="prisma",
        source=file.path.name,
        sha256=checksum_of(file.path),
        encoder=encoder.contiguous(),
        encoder_bias=cast(Tensor, encoder_bias),
        dictionary=tensors["W_dec"].contiguous(),
        bias=tensors["b_dec"],
        convention=Convention(activation, normalisation, pre_bias=True, tokens=_tokens(file)),
        thresholds=thresholds,
        model=said["model_name"] if isinstance(said.get("model_name"), str) else None,
        block=block,
        hook=hook,
        unsaid=unsaid,
        notes=(*notes, *why),
        said=said,
    )


def _opened(path: Path) -> _File:
    path = _weights(path)
    held = load_inert(path)
    state = held.get("state_dict", held) if isinstance(held, dict) else None
    if not isinstance(state, dict):
        raise CheckpointRefused(f"{path} holds no tensors by name; name a Prisma dictionary.")
    own = held.get("cfg") if state is not held else None
    beside = path.parent / CONFIGURATION
    there = plain(read_json(beside)) if beside.is_file() else None
    if not isinstance(own, dict):
        return _File(path, state, there, ())
    said = plain(own)
    differing = [name for name in _DECIDING if there and name in there and there[name] != said.get(name)]
    notes = [f"{beside.name} says {name} {there[name]!r}, the file {said.get(name)!r}: the file's was taken."
             for name in differing if there]  # fmt: skip
    return _File(path, state, said, tuple(notes))


def _weights(path: Path) -> Path:
    if path.name == CONFIGURATION:
        path = path.parent
    if not path.is_dir():
        return path
    if (path / WEIGHTS).is_file():
        return path / WEIGHTS
    found = {int(match[1]): each for each in path.glob("n_images_*.pt") if (match := _IMAGES.search(each.name))}
    if not found:
        raise CheckpointRefused(f"{path} has no {WEIGHTS} and no n_images_*.pt; name the file with the weights.")
    return found[max(found)]


def _is_gated(file: _File) -> bool:
    said = file.said or {}
    alien = [name for name in _OF_TRANSCODERS if name in file.state]
    if alien or said.get("is_transcoder"):
        what = f"it holds {' and '.join(alien)}" if alien else "its configuration says so"
        raise CheckpointRefused(
            f"{file.path} is a Prisma transcoder ({what}), which reads one place and writes another; Tiller steers "
            "autoencoders of one place: choose one."
        )
    named = said.get("architecture") or ("gated" if "r_mag" in file.state else "standard")
    if named not in ("standard", "gated"):
        raise _unreadable(file, f"a dictionary of architecture {named!r}", "standard and gated ones")
    return named == "gated"


def _activation(file: _File, *, gated: bool) -> Activation:
    said = file.said or {}
    named, options = said.get("activation_fn_str", "relu"), said.get("activation_fn_kwargs") or {}
    if named == "relu":
        return JumpRelu() if gated else Relu()
    if named != "topk" or gated:
        raise _unreadable(file, f"a {'gated ' if gated else ''}dictionary with the activation {named!r}",
                          "gated ones with relu, others with relu or topk")  # fmt: skip
    strange = [name for name in options if name != "k"] if isinstance(options, dict) else [repr(options)]
    if strange:
        raise _unreadable(file, f"a topk activation with {', '.join(strange)}", "topk with k alone")
    try:
        return TopK(cast(int, options.get("k")))  # which refuses what is no count
    except ValueError as wrong:
        raise CheckpointRefused(f"{file.path} is said to keep the k greatest, and {wrong}; correct it.") from wrong


def _normalisation(file: _File) -> tuple[Normalisation, tuple[Unsaid, ...], tuple[str, ...]]:
    said = file.said or {}
    if "normalize_activations" not in said:
        # the library takes what it lacks from today's defaults; older versions did not normalise
        return LayerNorm(1e-5), ("normalisation",), ("Its configuration does not say how activations are normalised.",)
    named = said["normalize_activations"] or "none"
    if str(named) in _NORMALISATIONS:
        return _NORMALISATIONS[str(named)], (), ()
    note = f"Its configuration says that activations are normalised by {named!r}, for which Prisma's code does nothing."
    return NoNorm(), ("normalisation",), (note,)


def _place(file: _File) -> tuple[int | None, Hook]:
    said = file.said or {}
    layer, kind = said.get("hook_point_layer"), said.get("layer_subtype")
    if isinstance(layer, list) and len(layer) == 1:
        layer = layer[0]
    if said.get("hook_point_head_index") is not None:
        raise _unreadable(file, "a dictionary of one attention head", "those of the residual stream or of mlp_out")
    # cached_activations_path and hook_point may be another run's; the layer and its kind are what was trained on
    named = f"blocks.{layer}.{kind}" if kind else said.get("hook_point")
    if named is None:
        raise CheckpointRefused(
            f"The configuration of {file.path} says layer {layer!r} and not which place in it; add layer_subtype, such "
            "as hook_resid_post."
        )
    place = place_named(str(named))
    if place is None:
        raise _unreadable(file, f"a dictionary of {named!r}", "those of blocks.L.hook_resid_post or hook_mlp_out")
    return place


def _tokens(file: _File) -> TokenSet:
    said = file.said or {}
    if said.get("cls_token_only") and said.get("use_patches_only"):
        raise CheckpointRefused(
            f"The configuration of {file.path} says both cls_token_only and use_patches_only; correct the wrong one."
        )
    if said.get("cls_token_only"):
        return "cls"
    return "patches" if said.get("use_patches_only") else "all"


def _count(file: _File, name: str) -> int | None:
    value = (file.said or {}).get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise CheckpointRefused(
            f"The configuration of {file.path} says {name} {value!r}, which is no whole number from 1; correct it."
        )
    return value


def _unreadable(file: _File, what: str, readable: str) -> CheckpointRefused:
    return CheckpointRefused(f"{file.path} holds {what}; Tiller reads {readable}: choose another checkpoint.")
