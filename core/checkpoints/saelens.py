"""SAELens folders: `sae_weights.safetensors` and the `cfg.json` of versions 3 to 6; Prisma's oldest files too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint, Hook, Unsaid
from core.checkpoints.places import place_named
from core.checkpoints.tensors import digest_of, jump_of_gated, norms_of, read_json, take
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

CONFIGURATION, WEIGHTS = "cfg.json", "sae_weights.safetensors"

_LINEAR = {"W_enc": "d k", "W_dec": "k d", "b_dec": "d"}
_SHAPES = {
    "standard": {**_LINEAR, "b_enc": "k"},
    "topk": {**_LINEAR, "b_enc": "k"},
    "jumprelu": {**_LINEAR, "b_enc": "k", "threshold": "k"},
    "gated": {**_LINEAR, "r_mag": "k", "b_gate": "k", "b_mag": "k"},
}
_SCALES = ("scaling_factor", "finetuning_scaling_factor")  # of each latent's code on its way out, up to version 5
_UNFINISHED = ("batchtopk", "matryoshka_batchtopk")
_NORMALISATIONS: dict[str, Normalisation] = {
    "none": NoNorm(),
    "expected_average_only_in": NoNorm(),  # the caller scales, by a number that the file does not hold
    "constant_norm_rescale": ConstantNorm(),
    "layer_norm": LayerNorm(),
}
_TOKENS: dict[tuple[Any, ...], TokenSet] = {
    (): "all",
    (None,): "all",
    (None, None): "all",
    (0, None): "all",
    (1,): "cls",
    (None, 1): "cls",
    (0, 1): "cls",
    (1, None): "patches",
}


class _Weights(NamedTuple):
    """Those of the engine's form, and what was done to get there."""

    encoder: Tensor
    encoder_bias: Tensor
    dictionary: Tensor
    thresholds: Tensor | None = None
    note: str = ""


def recognises(path: Path) -> bool:
    """Whether `path` is a folder of SAELens, or its configuration or weights."""
    try:
        if path.is_dir():
            return (path / WEIGHTS).is_file()
        if path.name in (CONFIGURATION, WEIGHTS):
            return (path.parent / WEIGHTS).is_file()
        return path.suffix == ".safetensors" and path.is_file() and (path.parent / CONFIGURATION).is_file()
    except OSError:
        return False


def read(path: Path) -> Checkpoint:
    """The checkpoint in the folder `path`, or the one whose weights or configuration `path` is.

    Raises:
        CheckpointRefused: it is not whole, or is of a kind that the engine cannot compute.
    """
    folder = path if path.is_dir() else path.parent
    file = folder / WEIGHTS if path.is_dir() or path.name == CONFIGURATION else path
    said = read_json(folder / CONFIGURATION)
    about = _flat(said)
    architecture = _architecture(folder, about)
    state = _state(file)
    scale = _scale(file, about, state)
    tensors = take(
        file,
        state,
        _SHAPES[architecture],
        as_what=f"a {architecture} dictionary of SAELens",
        lengths={"d": _count(folder, about, "d_in"), "k": _count(folder, about, "d_sae")},
    )
    rescaled = architecture == "topk" and _flag(folder, about, "rescale_acts_by_decoder_norm", default=False)
    weights = _weights(architecture, tensors, rescaled=rescaled)
    notes = [weights.note] if weights.note else []
    dictionary = weights.dictionary
    if scale is not None:
        dictionary = scale[:, None] * dictionary
        notes.append("The scaling factor of each latent was folded into its row of the dictionary.")
    normalisation, unsaid = _normalisation(folder, about)
    if unsaid:
        notes.append("It was trained on activations scaled to an average norm of sqrt(d), by a number it does not say.")
    block, hook = _place(folder, about)
    return Checkpoint(
        format="saelens",
        source=folder.name if path.is_dir() else path.name,
        sha256=digest_of(file),
        encoder=weights.encoder.contiguous(),
        encoder_bias=weights.encoder_bias,
        dictionary=dictionary,
        bias=tensors["b_dec"],
        convention=Convention(
            _activation(folder, about, architecture),
            normalisation,
            pre_bias=_flag(folder, about, "apply_b_dec_to_input", default=True),
            tokens=_tokens(folder, about),
        ),
        thresholds=weights.thresholds,
        model=about["model_name"] if isinstance(about.get("model_name"), str) else None,
        block=block,
        hook=hook,
        unsaid=unsaid,
        notes=tuple(notes),
        said=said,
    )


def _weights(architecture: str, tensors: Mapping[str, Tensor], *, rescaled: bool) -> _Weights:
    encoder, dictionary = tensors["W_enc"].T, tensors["W_dec"]
    if architecture == "gated":
        jump = jump_of_gated(
            encoder, log_gain=tensors["r_mag"], gate_bias=tensors["b_gate"], magnitude_bias=tensors["b_mag"]
        )
        return _Weights(
            jump.encoder,
            jump.encoder_bias,
            dictionary,
            jump.thresholds,
            "The gate was written as a threshold, which is the same for every input.",
        )
    if rescaled:
        # the k greatest of u times its row's length are kept, and divided by it again on the way out
        norms = norms_of(dictionary)
        return _Weights(
            norms[:, None] * encoder,
            norms * tensors["b_enc"],
            dictionary / norms[:, None],
            note="The lengths of the dictionary's rows were folded into the encoder.",
        )
    return _Weights(encoder, tensors["b_enc"], dictionary, tensors.get("threshold"))


def _activation(folder: Path, about: Mapping[str, Any], architecture: str) -> Activation:
    if architecture == "topk":
        return TopK(_count(folder, about, "k", needed=True) or 1)
    return Relu() if architecture == "standard" else JumpRelu()


def _flat(said: Mapping[str, Any]) -> dict[str, Any]:
    """One level, in the names of version 6, which keeps the model and the place in an object `metadata`."""
    metadata = said.get("metadata")
    about = {**(metadata if isinstance(metadata, dict) else {}), **said}
    for old, new in (("hook_point", "hook_name"), ("activation_fn_str", "activation_fn")):
        if about.get(new) is None and about.get(old) is not None:
            about[new] = about[old]
    return about


def _architecture(folder: Path, about: Mapping[str, Any]) -> str:
    named = str(about.get("architecture") or "standard")
    if about.get("activation_fn") == "topk" and named == "standard":  # version 5 and before
        named = "topk"
    elif about.get("activation_fn") not in (None, "relu", "topk"):
        raise _unreadable(folder, f"the activation {about['activation_fn']!r}", "relu and topk")
    if named in _UNFINISHED:
        raise CheckpointRefused(
            f"{folder} holds a {named} autoencoder in training, whose codes depend on the rest of the batch; SAELens "
            "writes the finished one as jumprelu: save it with save_inference_model."
        )
    if named not in _SHAPES:
        what = "a transcoder" if "transcoder" in named else "an autoencoder"
        raise _unreadable(folder, f"{what} of architecture {named!r}", ", ".join(_SHAPES))
    if about.get("hook_name_out") not in (None, about.get("hook_name")):
        raise _unreadable(
            folder,
            f"a transcoder, from {about.get('hook_name')} to {about['hook_name_out']}",
            "dictionaries that read and write one place",
        )
    return named


def _unreadable(folder: Path, what: str, readable: str) -> CheckpointRefused:
    return CheckpointRefused(f"{folder} holds {what}; Tiller reads {readable}: choose another checkpoint.")


def _state(file: Path) -> dict[str, Tensor]:
    try:
        with safe_open(file, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as wrong:
        raise CheckpointRefused(
            f"{file} was asked for, and there is no such file; put it beside {CONFIGURATION}."
        ) from wrong
    except (SafetensorError, OSError) as wrong:
        raise CheckpointRefused(f"{file} is not a whole safetensors file ({wrong}); fetch it again.") from wrong


def _scale(file: Path, about: Mapping[str, Any], state: dict[str, Tensor]) -> Tensor | None:
    """What each code is multiplied with on its way out, taken out of `state`; None where that is 1."""
    found = [state.pop(name) for name in _SCALES if name in state]
    if not found:
        return None
    rows = state["W_dec"].shape[0] if "W_dec" in state and state["W_dec"].ndim else None
    scale = take(file, {"scaling_factor": found[0]}, {"scaling_factor": "k"}, as_what="SAELens", lengths={"k": rows})
    factor = scale["scaling_factor"]
    if factor.allclose(factor.new_ones(())):
        return None
    if not about.get("finetuning_scaling_factor"):
        raise CheckpointRefused(
            f"{file} holds a scaling_factor that is not 1, and its {CONFIGURATION} says that none is in use; set "
            "finetuning_scaling_factor to true if the autoencoder was fine-tuned, or take the tensor out."
        )
    return factor


def _normalisation(folder: Path, about: Mapping[str, Any]) -> tuple[Normalisation, tuple[Unsaid, ...]]:
    named = about.get("normalize_activations") or "none"
    if named is True:  # before version 4
        named = "expected_average_only_in"
    if not isinstance(named, str) or named not in _NORMALISATIONS:
        raise _unreadable(folder, f"activations normalised by {named!r}", ", ".join(_NORMALISATIONS))
    return _NORMALISATIONS[named], ("normalisation",) if named == "expected_average_only_in" else ()


def _place(folder: Path, about: Mapping[str, Any]) -> tuple[int | None, Hook]:
    named = about.get("hook_name")
    if named is None:
        return None, "block"
    place = place_named(str(named)) if about.get("reshape_activations") in (None, "none") else None
    if place is None:
        raise _unreadable(folder, f"a dictionary of {named!r}", "those of blocks.L.hook_resid_post or hook_mlp_out")
    counted = [about[key] for key in ("hook_layer", "hook_point_layer") if isinstance(about.get(key), int)]
    if any(f".{layer}." not in f".{named}." for layer in counted):
        raise CheckpointRefused(
            f"{folder / CONFIGURATION} says {named} and layer {counted[0]}, which are two places; correct one."
        )
    return place.block, place.hook


def _tokens(folder: Path, about: Mapping[str, Any]) -> TokenSet:
    if about.get("cls_token_only"):  # Prisma's names
        return "cls"
    if about.get("use_patches_only"):
        return "patches"
    cut = about.get("seqpos_slice") or []
    if (
        not isinstance(cut, list)
        or not all(end is None or type(end) is int for end in cut)
        or tuple(cut) not in _TOKENS
    ):
        raise _unreadable(folder, f"a dictionary of the tokens {cut!r}", "those of all, of the first, or of all others")
    return _TOKENS[tuple(cut)]


def _count(folder: Path, about: Mapping[str, Any], name: str, *, needed: bool = False) -> int | None:
    value = about.get(name)
    if value is None and name == "k":  # version 5 and before
        given = about.get("activation_fn_kwargs")
        value = given.get("k") if isinstance(given, dict) else None
    if value is None and not needed:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CheckpointRefused(
            f"{folder / CONFIGURATION} says {name} {value!r}, which is no whole number from 1; correct it."
        )
    return value


def _flag(folder: Path, about: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = about.get(name, default)
    if not isinstance(value, bool):
        raise CheckpointRefused(f"{folder / CONFIGURATION} says {name} {value!r}, not true or false; correct it.")
    return value
