"""SAELens folders: `sae_weights.safetensors` and the `cfg.json` of versions 3 to 6; Prisma's oldest files too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint, Unsaid
from core.checkpoints.saelens_configuration import Configuration
from core.checkpoints.tensors import jump_of_gated, norms_of, take
from core.checksum import checksum_of
from core.convention import Convention, DatasetNorm, NoNorm

CONFIGURATION, WEIGHTS = "cfg.json", "sae_weights.safetensors"

_LINEAR = {"W_enc": "d k", "W_dec": "k d", "b_dec": "d"}
_SHAPES = {
    "standard": {**_LINEAR, "b_enc": "k"},
    "topk": {**_LINEAR, "b_enc": "k"},
    "jumprelu": {**_LINEAR, "b_enc": "k", "threshold": "k"},
    "gated": {**_LINEAR, "r_mag": "k", "b_gate": "k", "b_mag": "k"},
}
_SCALES = ("scaling_factor", "finetuning_scaling_factor")  # of each latent's code on its way out, up to version 5


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
    about = Configuration.read(folder / CONFIGURATION)
    architecture = about.architecture
    state = _state(file)
    scales = [state.pop(name) for name in _SCALES if name in state]
    tensors = take(
        file,
        state,
        _SHAPES[architecture],
        as_what=f"a {architecture} dictionary of SAELens",
        lengths={"d": about.length("d_in"), "k": about.length("d_sae")},
    )
    rescaled = architecture == "topk" and about.flag("rescale_acts_by_decoder_norm", default=False)
    weights = _weights(architecture, tensors, rescaled=rescaled)
    notes = [weights.note] if weights.note else []
    dictionary = weights.dictionary
    scale = _scale(file, about, scales[0], size=len(dictionary)) if scales else None
    if scale is not None:
        dictionary = scale[:, None] * dictionary
        notes.append("The scaling factor of each latent was folded into its row of the dictionary.")
    normalisation = about.normalisation
    unsaid: tuple[Unsaid, ...] = () if normalisation else ("normalisation",)
    if unsaid:
        notes.append("It was trained on activations scaled to an average norm of sqrt(d), by a number it does not say.")
    block, hook = about.place
    return Checkpoint(
        format="saelens",
        source=folder.name if path.is_dir() else path.name,
        sha256=checksum_of(file),
        encoder=weights.encoder.contiguous(),
        encoder_bias=weights.encoder_bias,
        dictionary=dictionary.contiguous(),
        bias=tensors["b_dec"],
        convention=Convention(
            about.activation,
            normalisation or NoNorm(),
            pre_bias=about.flag("apply_b_dec_to_input", default=True),
            tokens=about.tokens,
        ),
        thresholds=weights.thresholds,
        mean=torch.zeros_like(tensors["b_dec"]) if isinstance(normalisation, DatasetNorm) else None,
        model=about.model,
        block=block,
        hook=hook,
        unsaid=unsaid,
        notes=tuple(notes),
        said=about.said,
    )


def _weights(architecture: str, tensors: Mapping[str, Tensor], *, rescaled: bool) -> _Weights:
    encoder, dictionary = tensors["W_enc"].T, tensors["W_dec"]
    if architecture == "gated":
        jump = jump_of_gated(
            encoder, log_gain=tensors["r_mag"], gate_bias=tensors["b_gate"], magnitude_bias=tensors["b_mag"]
        )
        note = "The gate was written as a threshold, which is the same for every input."
        return _Weights(jump.encoder, jump.encoder_bias, dictionary, jump.thresholds, note)
    if rescaled:
        # the k greatest of u times its row's length are kept, and divided by it again on the way out
        norms = norms_of(dictionary)
        note = "The lengths of the dictionary's rows were folded into the encoder."
        return _Weights(norms[:, None] * encoder, norms * tensors["b_enc"], dictionary / norms[:, None], note=note)
    return _Weights(encoder, tensors["b_enc"], dictionary, tensors.get("threshold"))


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


def _scale(file: Path, about: Configuration, held: Tensor, *, size: int) -> Tensor | None:
    """What each code is multiplied with on its way out; None where that is 1."""
    what = "a fine-tuned dictionary of SAELens"
    taken = take(file, {"scaling_factor": held}, {"scaling_factor": "k"}, as_what=what, lengths={"k": size})
    factor = taken["scaling_factor"]
    if factor.allclose(factor.new_ones(())):
        return None
    if not about.flag("finetuning_scaling_factor", default=False):
        raise CheckpointRefused(
            f"{file} holds a scaling_factor that is not 1, and its {CONFIGURATION} says that none is in use; set "
            "finetuning_scaling_factor to true if the autoencoder was fine-tuned, or take the tensor out."
        )
    return factor
