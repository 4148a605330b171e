"""A checkpoint can be read in several ways; each is tried on real activations and comes back with its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from core.checkpoints.contents import Checkpoint
from core.checkpoints.decision import Candidate
from core.checkpoints.sample import Sample
from core.checkpoints.unit_length import of_length_1
from core.convention import ConstantNorm, DatasetNorm, LayerNorm, NoNorm, Normalisation
from core.explained import Sums, fitted_scale, pooled, sums
from core.sae import SparseAutoencoder
from core.types import EMBEDDING, Block

KINDS = {"all": ("class", "patches"), "cls": ("class",), "patches": ("patches",)}


@dataclass(frozen=True, eq=False)
class Reading:
    """One convention for the weights of a checkpoint; `mean` goes with the data-set normalisation."""

    name: str
    normalisation: Normalisation
    pre_bias: bool
    mean: Tensor | None = None
    estimated: bool = False  # mean and scale were taken from the activations
    of_length_1: bool = False  # as the format says, of embeddings that were brought to length 1 first


@dataclass(frozen=True, eq=False)
class Tried:
    """A reading with its figures at one place."""

    reading: Reading
    candidate: Candidate
    found: Mapping[str, Sums]

    @property
    def explained(self) -> float:
        """Pooled explained variance, -inf where it is no finite number."""
        return -math.inf if self.candidate.explained is None else self.candidate.explained


def readings(checkpoint: Checkpoint, sample: Sample, block: Block) -> Iterator[tuple[Reading, bool]]:
    """Every reading to try, that of the format first, each with whether it agrees with all that the format states."""
    own = checkpoint.convention
    seen = [_named(own.normalisation, checkpoint.mean)]
    norms = {seen[0]: (own.normalisation, checkpoint.mean, False)}
    norms |= {name: norm for name, norm in _norms(checkpoint, sample, block).items() if name not in norms}
    flags = (own.pre_bias, not own.pre_bias) if checkpoint.bias.any() else (own.pre_bias,)
    for name, (normalisation, mean, estimated) in norms.items():
        for pre_bias in flags:
            stated = (pre_bias == own.pre_bias or "pre_bias" in checkpoint.unsaid) and (
                name == seen[0] or "normalisation" in checkpoint.unsaid
            )
            yield Reading(name, normalisation, pre_bias, mean, estimated), stated
    if block == EMBEDDING and isinstance(own.normalisation, NoNorm | DatasetNorm):  # the others forget lengths anyway
        for pre_bias in flags:
            stated = (pre_bias == own.pre_bias or "pre_bias" in checkpoint.unsaid) and "length" in checkpoint.unsaid
            yield Reading("unit_norm", own.normalisation, pre_bias, checkpoint.mean, of_length_1=True), stated


def read_as(checkpoint: Checkpoint, reading: Reading, device: torch.device) -> SparseAutoencoder:
    """The autoencoder that `checkpoint` is under `reading`; weights are shared, nothing is copied on one device.

    But for embeddings that are brought to length 1: see `of_length_1`.
    """
    convention = replace(checkpoint.convention, normalisation=reading.normalisation, pre_bias=reading.pre_bias)
    read = replace(checkpoint, convention=convention, mean=reading.mean)
    return (of_length_1(read) if reading.of_length_1 else read).stated(device)


def tried(checkpoint: Checkpoint, reading: Reading, stated: bool, sample: Sample, block: Block) -> Tried:
    """Encode and decode the rows of `sample` at `block` that the checkpoint speaks for, each once."""
    if reading.estimated:
        reading = replace(reading, **_estimated(reading.name, checkpoint, sample, block))
    kinds = [kind for kind in KINDS[checkpoint.convention.tokens] if len(sample.rows(kind, block))]
    device = sample.classes[block].device
    found = {kind: sums(read_as(checkpoint, reading, device), sample.rows(kind, block)) for kind in kinds}
    weighted = [(sample.weight(kind), one) for kind, one in found.items()]
    scale = fitted_scale(weighted) if "scale" in checkpoint.unsaid else 1.0
    tokens = sum(weight * one.rows for weight, one in weighted)
    l0 = sum(weight * one.codes for weight, one in weighted) / max(1.0, tokens)
    rows = sum(one.rows for one in found.values())
    value = pooled(weighted, scale)
    explained = value if math.isfinite(value) else None
    candidate = Candidate(reading.pre_bias, reading.name, stated, explained, l0, scale, rows)
    return Tried(reading, candidate, found)


def _norms(
    checkpoint: Checkpoint, sample: Sample, block: Block
) -> dict[str, tuple[Normalisation, Tensor | None, bool]]:
    found: dict[str, tuple[Normalisation, Tensor | None, bool]] = {
        "none": (NoNorm(), None, False),
        "layer_norm": (LayerNorm(), None, False),
        "constant_norm": (ConstantNorm(), None, False),
    }
    for name in ("dataset", "scaled"):
        made = _estimated(name, checkpoint, sample, block)
        found[name] = (made["normalisation"], made["mean"], True)
    return found


def _estimated(name: str, checkpoint: Checkpoint, sample: Sample, block: Block) -> dict[str, Any]:
    """The data set's mean (none for "scaled"), and the scalar that brings tokens to a norm of sqrt(d) on average."""
    parts = [(sample.weight(kind), sample.rows(kind, block)) for kind in KINDS[checkpoint.convention.tokens]]
    tokens = sum(weight * len(rows) for weight, rows in parts)
    mean = torch.zeros_like(parts[0][1].sum(dim=0))
    if name == "dataset":
        mean = sum((weight / tokens * rows.sum(dim=0) for weight, rows in parts), mean)
    size = sum(weight / tokens * (rows - mean).norm(dim=1).sum().item() for weight, rows in parts)
    return {"normalisation": DatasetNorm(mean.shape[0] ** 0.5 / max(size, 1e-12)), "mean": mean}


def _named(normalisation: Normalisation, mean: Tensor | None) -> str:
    match normalisation:
        case NoNorm():
            return "none"
        case LayerNorm():
            return "layer_norm"
        case ConstantNorm():
            return "constant_norm"
        case DatasetNorm():
            return "scaled" if mean is not None and not mean.any() else "dataset"
