"""A digest says what a file of numbers holds, whatever the file is called and however it is laid out; no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

CONVENTION = ("activation", "normalisation", "pre_bias", "tokens")  # entries of a native file's header


class Values(NamedTuple):
    """A tensor's name, its type as torch writes it, its shape, and its values row by row."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    held: np.ndarray


def values_digest(values: Iterable[Values]) -> str:
    """SHA-256 over names, types, shapes and values; `values` come in the order of their names."""
    digest = hashlib.sha256()
    for one in values:
        digest.update(f"{one.name} {one.dtype} {one.shape}\n".encode())
        digest.update(one.held.reshape(-1).data)
    return digest.hexdigest()


def dictionary_digest(values: str, convention: Mapping[str, Any]) -> str:
    """The digest of an autoencoder from that of its weights and its convention as plain JSON values."""
    return hashlib.sha256((values + json.dumps(convention, sort_keys=True)).encode()).hexdigest()


def native_header(path: Path) -> dict[str, Any]:
    """What a native file says of itself, unchecked; empty where it is none: whoever loads it says what is wrong."""
    try:
        with safe_open(path, framework="np") as file:
            said = json.loads((file.metadata() or {}).get("tiller", "{}"))
    except (OSError, SafetensorError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def native_digest(path: Path) -> str | None:
    """`SparseAutoencoder.digest` of a native file, read without torch; None where that takes torch to say."""
    header = native_header(path)
    if not set(CONVENTION) <= set(header):
        return None
    with safe_open(path, framework="np") as file:
        names = sorted(file.keys())
        if any(file.get_slice(name).get_dtype() != "F32" for name in names):
            return None
        each = ((name, file.get_tensor(name)) for name in names)
        values = values_digest(Values(name, "torch.float32", held.shape, held) for name, held in each)
    return dictionary_digest(values, {name: header[name] for name in CONVENTION})
