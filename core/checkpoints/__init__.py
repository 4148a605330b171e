"""Each format is one file here that turns a file into a SparseAutoencoder with its convention stated."""

from __future__ import annotations

from core.types import TillerError

LEAST_PICTURES = 256  # that a dictionary is judged on


class CheckpointRefused(TillerError):
    """A file is there, and what it holds cannot be trusted to be what was asked for."""
