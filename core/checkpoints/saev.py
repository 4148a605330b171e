"""saev's files: one line of JSON, then a torch state dict; headers of schema 1 to 5, and the flat one before them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint, Unsaid
from core.checkpoints.inert import load_inert
from core.checkpoints.tensors import take
from core.checksum import checksum_of
from core.convention import Activation, BatchTopK, Convention, Relu, TopK

WEIGHTS = "sae.pt"

_LONGEST_HEADER = 1 << 16  # bytes
_SHAPES = {"W_enc": "d k", "b_enc": "k", "W_dec": "k d", "b_dec": "d"}
_THRESHOLD = "activation.threshold"
_K_UNLESS_SAID = 32  # the library's own
_SETTLED = (3, 4, 5)  # by then nothing took the bias off any more, in training or after


class _Header(NamedTuple):
    """What the first line says; `schema` is None for the flat form."""

    schema: int | None
    said: dict[str, Any]
    configuration: dict[str, Any]
    activation: str
    k: Any


def recognises(path: Path) -> bool:
    """Whether `path` is a file that begins with such a line, or a folder with a `sae.pt` that does."""
    try:
        said = json.loads(_first_line(path / WEIGHTS if path.is_dir() else path))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(said, dict) and ({"schema", "cfg"} <= set(said) or {"d_vit", "exp_factor"} <= set(said))


def read(path: Path) -> Checkpoint:
    """The autoencoder in the file or folder `path`.

    Whether the bias is taken off before encoding changed under schema 1 without a sign in the header, and in schema 2
    Matryoshka training still took it off where the library's own encoder did not: there `pre_bias` is unsaid.

    Raises:
        CheckpointRefused: it is not whole, or is of a kind that the engine cannot compute.
    """
    file = path / WEIGHTS if path.is_dir() else path
    header = _header(file)
    state = _state(file)
    batch = header.activation == "BatchTopK"
    shapes = {**_SHAPES, **({_THRESHOLD: ""} if batch and _THRESHOLD in state else {})}
    tensors = take(file, state, shapes, as_what="a dictionary of saev", lengths=_lengths(file, header.configuration))
    flat = header.schema is None
    unsaid: tuple[Unsaid, ...] = () if flat or header.schema in _SETTLED else ("pre_bias",)
    notes = [
        "The file names no model, block or tokens; saev trains on patch tokens unless told otherwise.",
        "The file does not say whether its activations were centred and scaled.",
    ]
    if flat:
        notes.append(
            "It is from before July 2025, when saev took the bias off before encoding; saev of today does not."
        )
    return Checkpoint(
        format="saev",
        source=path.name,
        sha256=checksum_of(file),
        encoder=tensors["W_enc"].T.contiguous(),
        encoder_bias=tensors["b_enc"],
        dictionary=tensors["W_dec"],
        bias=tensors["b_dec"],
        convention=Convention(_activation(file, header, tensors.get(_THRESHOLD)), pre_bias=flat, tokens="patches"),
        unsaid=(*unsaid, "normalisation"),
        notes=tuple(notes),
        said=header.said,
    )


def _first_line(file: Path) -> bytes:
    with file.open("rb") as opened:
        if opened.read(1) != b"{":
            raise ValueError("its first line is no JSON object")
        line = b"{" + opened.readline(_LONGEST_HEADER)
    if not line.endswith(b"\n"):
        raise ValueError(f"its first line has no end within {_LONGEST_HEADER} bytes")
    return line


def _header(file: Path) -> _Header:
    try:
        said = json.loads(_first_line(file))
    except FileNotFoundError as wrong:
        raise CheckpointRefused(f"{file} was asked for, and there is no such file; check the path.") from wrong
    except (OSError, ValueError, RecursionError) as wrong:
        raise CheckpointRefused(f"{file} is not a file of saev ({wrong}); fetch it again.") from wrong
    if "schema" not in said:
        return _Header(None, said, said, "Relu", None)
    schema, configuration = said["schema"], said.get("cfg")
    if schema not in (1, 2, 3, 4, 5):
        raise CheckpointRefused(
            f"{file} is of saev's schema {schema!r}; Tiller reads 1 to 5 and the form before them: write it with such "
            "a version of saev."
        )
    if not isinstance(configuration, dict):
        raise CheckpointRefused(f"The first line of {file} holds no object `cfg`; fetch the file again.")
    named = said.get("cls", "SparseAutoencoderConfig")
    if schema == 1 and named != "SparseAutoencoderConfig":  # the first of the two forms of schema 1
        return _Header(1, said, configuration, str(named), configuration.get("top_k", _K_UNLESS_SAID))
    activation = configuration.get("activation", {"cls": "Relu"} if schema == 1 else None)
    if not isinstance(activation, dict) or not isinstance(activation.get("params", {}), dict):
        raise CheckpointRefused(f"The first line of {file} names no activation; fetch the file again.")
    k = activation.get("params", {}).get("top_k", _K_UNLESS_SAID)
    return _Header(schema, said, configuration, str(activation.get("cls")), k)


def _activation(file: Path, header: _Header, threshold: Tensor | None) -> Activation:
    k = header.k
    if header.activation in ("TopK", "BatchTopK") and (not isinstance(k, int) or isinstance(k, bool) or k < 1):
        raise CheckpointRefused(f"The first line of {file} says top_k {k!r}, no whole number from 1; correct it.")
    match header.activation:
        case "Relu":
            return Relu()
        case "TopK":
            return TopK(k, signed=True)  # what is kept passes no ReLU
        case "BatchTopK" if threshold is not None:
            return BatchTopK(k, max(0.0, float(threshold)))  # at 0 or below, saev falls back to a ReLU
        case "BatchTopK":
            raise CheckpointRefused(
                f"{file} is a BatchTopK autoencoder without {_THRESHOLD}, whose codes depend on what else is in the "
                "batch; train or write it with a saev that keeps the threshold (schema 4 on)."
            )
        case _:
            raise CheckpointRefused(
                f"{file} has the activation {header.activation}; Tiller reads Relu, TopK and BatchTopK of saev: choose "
                "another checkpoint."
            )


def _lengths(file: Path, configuration: Mapping[str, Any]) -> dict[str, int | None]:
    width = configuration.get("d_model", configuration.get("d_vit"))
    size, factor = configuration.get("d_sae"), configuration.get("exp_factor")
    for name, value in (("d_model", width), ("d_sae", size), ("exp_factor", factor)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise CheckpointRefused(f"The first line of {file} says {name} {value!r}, no whole number; correct it.")
    if size is None and width is not None and factor is not None:
        size = width * factor
    return {"d": width, "k": size}


def _state(file: Path) -> dict[str, Tensor]:
    """The state dict after the first line, read from a copy: torch reads a file from its beginning."""
    with tempfile.TemporaryDirectory() as folder, file.open("rb") as opened:
        opened.readline()
        copy = Path(folder) / file.name
        with copy.open("wb") as rest:
            shutil.copyfileobj(opened, rest, 1 << 24)
        state = load_inert(copy)
        if not isinstance(state, dict):
            raise CheckpointRefused(f"{file} holds no state dict after its first line; fetch it again.")
        return {str(name): each.clone() if isinstance(each, Tensor) else each for name, each in state.items()}
