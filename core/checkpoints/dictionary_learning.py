"""dictionary_learning's `ae.pt` with its `config.json`; sae-for-vlm's say model and place in the folder's name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint, Hook
from core.checkpoints.inert import load_inert
from core.checkpoints.places import place_named
from core.checkpoints.tensors import jump_of_gated, norms_of, read_json, take
from core.checksum import checksum_of
from core.convention import Activation, BatchTopK, Convention, JumpRelu, Relu, TokenSet, TopK

WEIGHTS, CONFIGURATION = "ae.pt", "config.json"

_COUNTS = ("k", "threshold", "group_sizes")
_LINEAR = {"encoder.weight": "k d", "decoder.weight": "d k"}
_DIRECT = {"W_enc": "d k", "b_enc": "k", "W_dec": "k d", "b_dec": "d"}
_SHAPES = {
    "AutoEncoder": {**_LINEAR, "encoder.bias": "k", "bias": "d"},
    "AutoEncoderNew": {**_LINEAR, "encoder.bias": "k", "decoder.bias": "d"},
    "GatedAutoEncoder": {**_LINEAR, "r_mag": "k", "gate_bias": "k", "mag_bias": "k", "decoder_bias": "d"},
    "AutoEncoderTopK": {**_LINEAR, "encoder.bias": "k", "b_dec": "d"},
    "BatchTopKSAE": {**_LINEAR, "encoder.bias": "k", "b_dec": "d"},
    "MatryoshkaBatchTopKSAE": _DIRECT,
    "JumpReluAutoEncoder": {**_DIRECT, "threshold": "k"},
}
_OTHER_NAMES = {"MatroyshkaBatchTopKSAE": "MatryoshkaBatchTopKSAE"}  # sae-for-vlm's spelling
_WITH_PRE_BIAS = {"AutoEncoder", "GatedAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"}
_BY_FOLDER = {
    "standard": "AutoEncoder",
    "jumprelu": "JumpReluAutoEncoder",
    "top_k": "AutoEncoderTopK",
    "batch_top_k": "BatchTopKSAE",
    "matroyshka_batch_top_k": "MatryoshkaBatchTopKSAE",
}
# imagenet_train_activations_clip-vit-large-patch14-336_22_post_mlp_residual_batch_top_k_20_x64
_FOLDER = re.compile(
    r"_activations_(?P<model>.+)_(?P<layer>-?\d+)_(?P<place>post_mlp_residual|post_projection)"
    rf"(?:_(?P<kind>{'|'.join(sorted(_BY_FOLDER, key=len, reverse=True))})_\d+_x\d+)?$"
)


class _Origin(NamedTuple):
    """What configuration and folders say of the model and the place."""

    model: str | None
    block: int | None
    hook: Hook
    tokens: TokenSet
    notes: tuple[str, ...]


def recognises(path: Path) -> bool:
    """Whether `path` is a folder with an `ae.pt`, or a torch file whose tensors have this library's names."""
    try:
        if path.is_dir():
            return (path / WEIGHTS).is_file()
        if path.name == WEIGHTS:
            return path.is_file()
        return path.is_file() and _kind_by_names(load_inert(path)) is not None
    except (OSError, CheckpointRefused):
        return False


def read(path: Path) -> Checkpoint:
    """The autoencoder in the folder `path`, or in the file `path` with the configuration beside or above it.

    Raises:
        CheckpointRefused: it is not whole, its kind cannot be told, or its threshold was never set.
    """
    file = path / WEIGHTS if path.is_dir() else path
    state = load_inert(file)
    if not isinstance(state, dict):
        raise CheckpointRefused(f"{file} holds a {type(state).__name__}, and a dict of tensors was asked for.")
    said = _configuration(file)
    trainer = said.get("trainer", {})
    kind = _kind(file, trainer, state)
    tensors = take(
        file,
        state,
        _SHAPES[kind],
        as_what=f"dictionary_learning's {kind}",
        lengths={
            letter: _length(file, trainer, name) for letter, name in (("d", "activation_dim"), ("k", "dict_size"))
        },
        spare=() if kind == "JumpReluAutoEncoder" else _COUNTS,
    )
    origin = _origin(file, trainer)
    encoder = tensors["encoder.weight"] if "encoder.weight" in tensors else tensors["W_enc"].T
    dictionary = tensors["decoder.weight"].T if "decoder.weight" in tensors else tensors["W_dec"]
    bias_in = tensors.get("encoder.bias", tensors.get("b_enc"))
    bias = next(tensors[name] for name in ("bias", "b_dec", "decoder_bias", "decoder.bias") if name in tensors)
    thresholds, notes = tensors.get("threshold"), list(origin.notes)
    if kind == "GatedAutoEncoder":
        encoder, bias_in, thresholds = jump_of_gated(
            encoder, log_gain=tensors["r_mag"], gate_bias=tensors["gate_bias"], magnitude_bias=tensors["mag_bias"]
        )
        notes.append("The gate was written as a threshold, which is the same for every input.")
    norms = norms_of(dictionary)
    if kind == "AutoEncoder" and not torch.allclose(norms, torch.ones_like(norms)):
        # as the library does when it loads one: the same reconstruction, codes in units of the dictionary's rows
        encoder, bias_in, dictionary = (
            norms[:, None] * encoder,
            norms * tensors["encoder.bias"],
            dictionary / norms[:, None],
        )
        notes.append("The rows of the dictionary were brought to length 1, and the encoder with them.")
    assert bias_in is not None  # every kind has one
    return Checkpoint(
        format="dictionary_learning",
        source=path.name,
        sha256=checksum_of(file),
        encoder=encoder.contiguous(),
        encoder_bias=bias_in,
        dictionary=dictionary.contiguous(),
        bias=bias,
        convention=Convention(
            _activation(file, kind, state, trainer), pre_bias=kind in _WITH_PRE_BIAS, tokens=origin.tokens
        ),
        thresholds=thresholds,
        model=origin.model,
        block=origin.block,
        hook=origin.hook,
        unsaid=("length",) if origin.hook == "embedding" else (),
        notes=tuple(notes),
        said=said,
    )


def _configuration(file: Path) -> dict[str, Any]:
    """From the folder of `file`, or the one above: what is saved while training lies in a folder `checkpoints`."""
    beside = next((each for each in (file.parent, file.parent.parent) if (each / CONFIGURATION).is_file()), None)
    if beside is None:
        return {}
    said = read_json(beside / CONFIGURATION)
    if not isinstance(said.get("trainer"), dict):
        raise CheckpointRefused(
            f"{beside / CONFIGURATION} holds no object `trainer`; put the library's own file there."
        )
    return said


def _kind_by_names(state: object) -> str | None:
    """The kind that has these tensors; TopK for BatchTopK too, whose tensors have the same names."""
    if not isinstance(state, dict):
        return None
    names = {name for name in state if name not in _COUNTS}
    whole = {kind: set(shapes) - {"threshold"} for kind, shapes in _SHAPES.items()}
    found = [kind for kind, due in whole.items() if due == names]
    if found[:1] == ["MatryoshkaBatchTopKSAE"]:
        found = ["MatryoshkaBatchTopKSAE"] if "group_sizes" in state else found[1:] if "threshold" in state else []
    if found[:1] == ["AutoEncoderTopK"] and "k" not in state:
        return None
    return found[0] if found else None


def _kind(file: Path, trainer: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    named = trainer.get("dict_class")
    if named is None:
        by_names, folder = _kind_by_names(state), _folder(file)
        if by_names in ("AutoEncoderTopK", "BatchTopKSAE"):
            by_names = _BY_FOLDER.get(folder["kind"]) if folder and folder["kind"] else None
        if by_names is None:
            raise CheckpointRefused(
                f"{file} has no {CONFIGURATION} beside it, and its tensors ({', '.join(map(str, state)) or 'none'}) do "
                f"not tell which of {', '.join(_SHAPES)} it is; put the {CONFIGURATION} that was saved with it there."
            )
        return by_names
    named = _OTHER_NAMES.get(str(named), str(named))
    if named not in _SHAPES:
        raise CheckpointRefused(
            f"{file} is a {named} by its {CONFIGURATION}; Tiller reads {', '.join(_SHAPES)}: choose another checkpoint."
        )
    return named


def _activation(file: Path, kind: str, state: Mapping[str, Any], trainer: Mapping[str, Any]) -> Activation:
    match kind:
        case "AutoEncoder" | "AutoEncoderNew":
            return Relu()
        case "GatedAutoEncoder" | "JumpReluAutoEncoder":
            return JumpRelu()
        case _:
            k = _number(file, state, "k") if "k" in state else trainer.get("k")
            if not isinstance(k, int | float) or k != int(k) or k < 1 or k != trainer.get("k", k):
                raise CheckpointRefused(
                    f"{file} says k {k!r} and its {CONFIGURATION} {trainer.get('k')!r}, which are not one whole number "
                    "from 1; correct the wrong one."
                )
            if kind == "AutoEncoderTopK":
                return TopK(int(k))
            threshold = _number(file, state, "threshold") if "threshold" in state else -1.0
            if threshold < 0:
                raise CheckpointRefused(
                    f"{file} is a {kind} whose threshold was never set ({threshold:g}), so that it keeps "
                    "every positive code and not k of them; train past threshold_start_step, or set `threshold` "
                    "in its state dict to the least code that was kept on average."
                )
            return BatchTopK(int(k), threshold)


def _number(file: Path, state: Mapping[str, Any], name: str) -> float:
    held = state[name]
    value = float(held) if isinstance(held, Tensor) and held.numel() == 1 else math.nan
    if not math.isfinite(value):
        raise CheckpointRefused(
            f"{file} holds {name} as {held!r}, and one finite number was due; fetch the file again."
        )
    return value


def _length(file: Path, trainer: Mapping[str, Any], name: str) -> int | None:
    value = trainer.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise CheckpointRefused(f"The {CONFIGURATION} of {file} says {name} {value!r}, no whole number; correct it.")


def _folder(file: Path) -> re.Match[str] | None:
    return next((found for folder in file.absolute().parents if (found := _FOLDER.search(folder.name))), None)


def _origin(file: Path, trainer: Mapping[str, Any]) -> _Origin:
    if folder := _folder(file):
        layer, above = int(folder["layer"]), {each.name for each in file.absolute().parents}
        notes = ("It was trained on the mean of each picture's tokens.",) if "mean_pool" in above else ()
        if folder["place"] == "post_projection":
            return _Origin(folder["model"], None, "embedding", "cls", notes)
        tokens: TokenSet = "cls" if "cls_only" in above else "all"
        return _Origin(folder["model"], layer if layer >= 0 else None, "block", tokens, notes)
    layer, place = trainer.get("layer"), str(trainer.get("submodule_name") or "")
    block = layer if isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0 else None
    model = str(trainer.get("lm_name") or "") or None
    notes = ("The file does not say which tokens it was trained on, and is read as one of all.",)
    if named := place_named(place):
        return _Origin(model, named.block, named.hook, "all", notes)
    if place and not place.startswith("resid_post"):
        notes += (f"Its place is called {place!r}, which is not known here, and is taken for the output of a block.",)
    return _Origin(model, block, "mlp_out" if place.startswith("mlp_out") else "block", "all", notes)
