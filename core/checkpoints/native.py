"""Tiller's own format: safetensors, with a JSON header that says on what, where and how the dictionary was made.

Tensors: `encoder` (k, d), `encoder_bias` (k), `dictionary` (k, d), `bias` (d), and where the convention has them
`thresholds` (k) and `mean` (d), all float. The file's metadata has one entry, `tiller`, a JSON object:

    format          "tiller-sae"             version       1
    model           its name                 weights       SHA-256 of its weights (core.weights.weights_digest)
    block           from 0, or "embedding"   tokens        all, cls or patches
    width           d                        components    k
    activation      {"kind": relu | topk | batch_topk | jump_relu, and its fields k, signed, threshold}
    normalisation   {"kind": none | layer_norm | constant_norm | dataset, and its fields eps, scale}
    pre_bias        whether `bias` is taken off before encoding
    training        what it was trained on and how, free form
    metrics         what was measured, free form
    origin          of a converted file: its format, source, sha256, model, notes and said, as in `contents.Checkpoint`
    gate            what the gate decided (core.checkpoints.decision.Decision); a file without it is not gated,
                    and one that lacks figures of today is from an earlier version: it is looked at anew
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.decision import verdict_of
from core.convention import Convention
from core.sae import SparseAutoencoder
from core.types import EMBEDDING

if TYPE_CHECKING:
    from core.model import Clip

FORMAT, VERSION = "tiller-sae", 1
_REQUIRED = ("model", "weights", "block")
_SAID_BY_US = ("activation", "normalisation", "pre_bias", "tokens", "width", "components")
_TEXTS = ("model", "weights")
_COUNTS = {"block": 0, "width": 1, "components": 1}  # and the least each may be; a block may also be the embedding
_TENSORS = ("encoder", "encoder_bias", "dictionary", "bias")


def save_native(sae: SparseAutoencoder, path: Path, header: Mapping[str, Any] | None = None) -> None:
    """Write `sae` to `path`, whole or not at all.

    Args:
        header: `model`, `weights` and `block`, and what is known of `training` and `metrics`; the autoencoder's own
            header where none is given. What the weights and the convention say themselves is written from them.
    """
    given = dict(sae.header if header is None else header)
    missing = [name for name in _REQUIRED if name not in given]
    if missing:
        raise CheckpointRefused(
            f"{path} was to be written without {', '.join(missing)} in its header; a dictionary whose backbone is "
            "unknown cannot be checked later: give them."
        )
    said = {"training": {}, "metrics": {}} | given
    said |= {"format": FORMAT, "version": VERSION, "width": sae.width, "components": sae.size}
    said |= sae.convention.as_json()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sae.state_dict().items()}
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, part, metadata={"tiller": json.dumps(said, sort_keys=True)})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_header(path: Path) -> dict[str, Any]:
    """What a file of ours says of itself, with none of its weights read.

    Raises:
        CheckpointRefused: it is not ours, or its header is damaged.
    """
    with _opened(Path(path), "cpu") as file:
        return _header(file, path)


def load_native(path: Path, *, model: Clip | None = None, device: str = "cpu") -> SparseAutoencoder:
    """Read a file of ours; its header is kept on the autoencoder.

    Args:
        model: refuse the file unless it was made on these weights at this block.

    Raises:
        CheckpointRefused: the file is not ours, not whole, or says one thing and holds another.
        TillerError: the file does not fit `model`.
    """
    with _opened(Path(path), device) as file:
        header = _header(file, path)
        convention = Convention.from_json(header)
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a mapping
        _check(tensors, header, path)
        sae = SparseAutoencoder(
            **{name: tensors.pop(name) for name in _TENSORS},
            convention=convention,
            thresholds=tensors.pop("thresholds", None),
            mean=tensors.pop("mean", None),
            header=header,
        )
    if model is not None:
        sae.check(model)
    return sae


@contextmanager
def _opened(path: Path, device: str) -> Generator[Any]:
    """The safetensors file at `path`; what turns out to be wrong with it is refused by its name."""
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise CheckpointRefused(f"The dictionary {path} was asked for, but {what}; check the path.")
    try:
        with safe_open(path, framework="pt", device=device) as file:
            yield file
    except (SafetensorError, json.JSONDecodeError, RecursionError) as wrong:
        raise CheckpointRefused(
            f"{path} is not a whole safetensors file ({wrong}); give a dictionary that Tiller wrote."
        ) from wrong
    except (KeyError, ValueError) as wrong:
        raise CheckpointRefused(
            f"{path} is a dictionary file with a fault ({wrong}); make or fetch it again."
        ) from wrong


def _header(file: Any, path: Path) -> dict[str, Any]:
    """The header, once it says all that is due; a decision of the gate in it is whole, or an earlier version's."""
    header = json.loads((file.metadata() or {}).get("tiller", "{}"))
    if not isinstance(header, dict):
        raise CheckpointRefused(f"The header of {path} is no JSON object; give a dictionary that Tiller wrote.")
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise CheckpointRefused(
            f"{path} says format {header.get('format')!r}, version {header.get('version')!r}; this reads "
            f"{FORMAT!r}, version {VERSION}: convert it first."
        )
    missing = [name for name in (*_REQUIRED, *_SAID_BY_US) if name not in header]
    if missing:
        raise CheckpointRefused(f"The header of {path} lacks {', '.join(missing)}; make or fetch the file again.")
    wrong = [f"{name} {header[name]!r}" for name in _TEXTS if not isinstance(header[name], str)]
    wrong += [
        f"{name} {header[name]!r}"
        for name, least in _COUNTS.items()
        if not (_is_count(header[name], least) or (name == "block" and header[name] == EMBEDDING))
    ]
    if wrong:
        raise CheckpointRefused(
            f"The header of {path} says {', '.join(wrong)}, which are no names and counts; make or fetch it again."
        )
    try:
        verdict_of(header)
    except ValueError as fault:
        raise CheckpointRefused(
            f"{path} holds a damaged decision of the gate ({fault}), so that nobody knows what was accepted; fetch it "
            "again, or make it again from the published file with `tiller sae convert`."
        ) from fault
    return header


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check(tensors: Mapping[str, Tensor], header: Mapping[str, Any], path: Path) -> None:
    k, d = header["components"], header["width"]
    due = {
        "encoder": (k, d),
        "encoder_bias": (k,),
        "dictionary": (k, d),
        "bias": (d,),
        "thresholds": (k,),
        "mean": (d,),
    }
    wrong = [f"{name} is missing" for name in _TENSORS if name not in tensors]
    wrong += [f"{name} is not one of ours" for name in tensors if name not in due]
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != due.get(name, tuple(tensor.shape)):
            wrong.append(f"{name} is {tuple(tensor.shape)}, not {due[name]}")
        if not torch.isfinite(tensor).all():
            wrong.append(f"{name} holds values that are not finite")
    if wrong:
        raise CheckpointRefused(
            f"{path} does not hold what its header says: {'; '.join(wrong)}; make or fetch it again."
        )
