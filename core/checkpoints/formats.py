"""Any dictionary file is told by its contents, and read by the reader of its format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.checkpoints import (
    CheckpointRefused,
    attributing_clip,
    clip_scope,
    dictionary_learning,
    msae,
    patchsae,
    prisma,
    saelens,
    saev,
)
from core.checkpoints.contents import NATIVE, Checkpoint
from core.checkpoints.inert import load_inert
from core.checkpoints.native import FORMAT, load_native
from core.checksum import checksum_of

_SHOWN = 3  # names, where a file fits no format
_WEIGHTS = ("*.pt", "*.pth", "*.ckpt", "*.safetensors")


class Reader(NamedTuple):
    """A format's name, whether a file or folder is of it (never raises), what it holds, and what tells it, in words."""

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Checkpoint]
    told_by: str


def _is_native(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if file.read(9)[8:] != b"{":
                return False
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("tiller", "{}")).get("format") == FORMAT
    except (OSError, SafetensorError, ValueError, AttributeError, RecursionError):
        return False


def _read_native(path: Path) -> Checkpoint:
    sae = load_native(path)
    return Checkpoint.of(sae, source=path.name, sha256=checksum_of(path))


# Asked in this order; Prisma's tensors have names that others use too, so it comes last.
READERS: Mapping[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader(NATIVE, _is_native, _read_native, "Tiller's header in a safetensors file"),
        *(
            Reader(module.__name__.rpartition(".")[2], module.recognises, module.read, told_by)
            for module, told_by in (
                (saelens, "sae_weights.safetensors, with cfg.json beside it"),
                (saev, "a first line of JSON with a schema"),
                (attributing_clip, "tensors encoder.0.weight_v and decoder.weight_v"),
                (clip_scope, "model_state_dict with pre_b, enc and dec"),
                (msae, "model with pre_bias, encoder and latent_bias"),
                (patchsae, "state_dict, and a configuration with block_layer"),
                (dictionary_learning, "ae.pt, with config.json beside or above it"),
                (prisma, "tensors W_enc, W_dec and b_dec, with their configuration"),
            )
        ),
    )
}


def read_checkpoint(path: Path) -> Checkpoint:
    """What the dictionary in the file or folder `path` holds, whichever format it is of; nothing in it is run.

    Raises:
        CheckpointRefused: there is none, it fits no format (what was seen is said, and in the error's notes what each
            reader looked for), or its reader refuses it.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointRefused(f"The dictionary {path} was asked for, but there is no such file; check the path.")
    for reader in READERS.values():
        if reader.recognises(path):
            return reader.read(path)
    if path.is_dir():
        weights = sorted(each for pattern in _WEIGHTS for each in path.glob(pattern))
        if len(weights) == 1:
            return read_checkpoint(weights[0])
    refused = CheckpointRefused(
        f"{path} {_seen(path)}, and is in no format that Tiller reads; name the file that its library saved, with its "
        "configuration beside it."
    )
    for reader in READERS.values():
        refused.add_note(f"{reader.name} needs {reader.told_by}")
    raise refused


def _seen(path: Path) -> str:
    """What a file or folder holds, in the words of a sentence; a torch file that asks for more than data is refused."""
    if path.is_dir():
        return f"is a folder with {_listed([each.name for each in sorted(path.iterdir())])}"
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:] == b"{":
        try:
            with safe_open(path, framework="pt") as opened:
                return (
                    f"holds {_listed([f'{key} {tuple(opened.get_slice(key).get_shape())}' for key in opened.keys()])}"  # noqa: SIM118
                )
        except SafetensorError as wrong:
            raise CheckpointRefused(f"{path} is not a whole safetensors file ({wrong}); fetch it again.") from wrong
    held = load_inert(path)
    return f"holds {_listed(_names(held))}" if isinstance(held, dict) else f"holds a {type(held).__name__}"


def _names(held: Mapping[Any, Any], before: str = "") -> list[str]:
    names: list[str] = []
    for key, value in held.items():
        if isinstance(value, Tensor):
            names.append(f"{before}{key} {tuple(value.shape)}")
        elif isinstance(value, dict) and value and not before:
            names += _names(value, f"{key}.")
        else:
            names.append(f"{before}{key}")
    return names


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(name[:40] for name in names[:_SHOWN]) or "nothing") + more
