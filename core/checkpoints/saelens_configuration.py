"""What the `cfg.json` of SAELens says, whichever of the versions 3 to 6 wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Hook
from core.checkpoints.places import place_named
from core.checkpoints.tensors import read_json
from core.convention import (
    Activation,
    ConstantNorm,
    DatasetNorm,
    JumpRelu,
    LayerNorm,
    NoNorm,
    Normalisation,
    Relu,
    TokenSet,
    TopK,
)

ARCHITECTURES = ("standard", "gated", "jumprelu", "topk")
SCALED_BY_THE_CALLER = "expected_average_only_in"
SCALER = "activation_scaler.json"  # lies beside what is saved while training

_UNFINISHED = ("batchtopk", "matryoshka_batchtopk")
_NORMALISATIONS: dict[str, Normalisation] = {
    "none": NoNorm(),
    "constant_norm_rescale": ConstantNorm(),
    "layer_norm": LayerNorm(),
}
_RENAMED = {  # by version 6
    "hook_point": "hook_name",
    "hook_point_head_index": "hook_head_index",
    "activation_fn_str": "activation_fn",
}
_TOKENS: dict[tuple[int | None, ...], TokenSet] = {
    (): "all",
    (None,): "all",
    (None, None): "all",
    (0, None): "all",
    (1,): "cls",
    (None, 1): "cls",
    (0, 1): "cls",
    (1, None): "patches",
}


@dataclass(frozen=True)
class Configuration:
    """A `cfg.json`; `about` is one level of it, in the names of version 6. What makes no sense is refused on use."""

    file: Path
    said: Mapping[str, Any]
    about: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> Configuration:
        """The one in `file`.

        Raises:
            CheckpointRefused: it is not there, or no JSON object.
        """
        said = read_json(file)
        metadata = said.get("metadata")  # version 6 keeps the model and the place there
        about = {**(metadata if isinstance(metadata, dict) else {}), **said}
        for old, new in _RENAMED.items():
            if about.get(new) is None and about.get(old) is not None:
                about[new] = about[old]
        return cls(file, said, about)

    @property
    def architecture(self) -> str:
        """One of ARCHITECTURES; refuses others by name, transcoders and autoencoders in training among them."""
        named, function = str(self.about.get("architecture") or "standard"), self.about.get("activation_fn")
        if function == "topk" and named == "standard":  # version 5 and before
            named = "topk"
        elif function not in (None, "relu", "topk"):
            raise self._unreadable(f"the activation {function!r}", "relu and topk")
        if named in _UNFINISHED:
            raise CheckpointRefused(
                f"{self.file.parent} holds a {named} autoencoder in training, whose codes depend on the rest of the "
                "batch; SAELens writes the finished one as jumprelu: save it with save_inference_model."
            )
        if named not in ARCHITECTURES:
            what = "a transcoder" if "transcoder" in named else "an autoencoder"
            raise self._unreadable(f"{what} of architecture {named!r}", ", ".join(ARCHITECTURES))
        there, out = self.about.get("hook_name"), self.about.get("hook_name_out")
        if out not in (None, there):
            raise self._unreadable(f"a transcoder, from {there} to {out}", "what reads and writes one place")
        return named

    @property
    def activation(self) -> Activation:
        """Of the engine; a gated encoder is a JumpReLU."""
        architecture = self.architecture
        if architecture == "topk":
            given = self.about.get("activation_fn_kwargs")  # version 5 and before
            older = given.get("k") if isinstance(given, dict) else None
            return TopK(self._whole_number("k", self.about.get("k", older)))
        return Relu() if architecture == "standard" else JumpRelu()

    @property
    def normalisation(self) -> Normalisation | None:
        """What is done to activations before they come in; None where they are scaled by a number that is nowhere."""
        named = self._normalised_by
        if named != SCALED_BY_THE_CALLER:
            return _NORMALISATIONS[named]
        file = self.file.with_name(SCALER)
        scale = read_json(file).get("scaling_factor") if file.is_file() else None
        if scale is None:
            return None
        try:
            return DatasetNorm(scale)
        except ValueError as wrong:
            raise CheckpointRefused(f"{file} does not hold a scaling factor ({wrong}); fetch it again.") from wrong

    @property
    def _normalised_by(self) -> str:
        named = self.about.get("normalize_activations") or "none"
        if named is True:  # before version 4
            named = SCALED_BY_THE_CALLER
        if not isinstance(named, str) or (named not in _NORMALISATIONS and named != SCALED_BY_THE_CALLER):
            readable = ", ".join((*_NORMALISATIONS, SCALED_BY_THE_CALLER))
            raise self._unreadable(f"activations normalised by {named!r}", readable)
        return named

    @property
    def place(self) -> tuple[int | None, Hook]:
        """The block, None where none is named, and what is read there."""
        named = self.about.get("hook_name")
        if named is None:
            return None, "block"
        whole = self.about.get("reshape_activations") in (None, "none") and self.about.get("hook_head_index") is None
        place = place_named(str(named)) if whole else None  # not one head's part of it
        if place is None:
            raise self._unreadable(f"a dictionary of {named!r}", "those of blocks.L.hook_resid_post or hook_mlp_out")
        counted = [self.about[key] for key in ("hook_layer", "hook_point_layer") if type(self.about.get(key)) is int]
        if any(f".{layer}." not in f".{named}." for layer in counted):
            raise CheckpointRefused(
                f"{self.file} says {named} and layer {counted[0]}, which are two places; correct the wrong one."
            )
        return place.block, place.hook

    @property
    def tokens(self) -> TokenSet:
        """Those it was trained on; the two flags are Prisma's."""
        if self.flag("cls_token_only", default=False):
            return "cls"
        if self.flag("use_patches_only", default=False):
            return "patches"
        cut = self.about.get("seqpos_slice") or []
        known = isinstance(cut, list) and all(end is None or type(end) is int for end in cut) and tuple(cut) in _TOKENS
        if not known:
            raise self._unreadable(
                f"a dictionary of the tokens {cut!r}", "those of all, the first, or all but the first"
            )
        return _TOKENS[tuple(cut)]

    @property
    def model(self) -> str | None:
        """In the file's own words."""
        named = self.about.get("model_name")
        return named if isinstance(named, str) else None

    def length(self, name: str) -> int | None:
        """A whole number from 1, None where it is not given."""
        value = self.about.get(name)
        return None if value is None else self._whole_number(name, value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false, and `default` where it is not given."""
        value = self.about.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise CheckpointRefused(f"{self.file} says {name} {value!r}, not true or false; correct it.")
        return value

    def _whole_number(self, name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise CheckpointRefused(f"{self.file} says {name} {value!r}, no whole number from 1; correct it.")
        return value

    def _unreadable(self, what: str, readable: str) -> CheckpointRefused:
        return CheckpointRefused(
            f"{self.file.parent} holds {what}; Tiller reads {readable}: choose another checkpoint."
        )
