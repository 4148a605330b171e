"""What tests of foreign files share: classes that seem to come from a library, and a comparison with a formula."""

from __future__ import annotations

import sys
import types

import pytest
import torch

from core.checkpoints.contents import Checkpoint


@pytest.fixture
def module_named(monkeypatch):
    """A function that makes a class look as if it came from a module of that name, and makes that module."""

    def place(cls, name):
        module, _, qualified = name.rpartition(".")
        there = types.ModuleType(module)
        cls.__module__, cls.__qualname__, cls.__name__ = module, qualified, qualified
        setattr(there, qualified, cls)
        parts = module.split(".")
        for end in range(1, len(parts)):
            parent = ".".join(parts[:end])
            if parent not in sys.modules:
                monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
        monkeypatch.setitem(sys.modules, module, there)
        return cls

    return place


@pytest.fixture(scope="session")
def assert_computes():
    """A function that compares a checkpoint with codes and reconstructions worked out by another formula."""

    def compare(held: Checkpoint, x: torch.Tensor, codes: torch.Tensor, rebuilt: torch.Tensor) -> None:
        for part in (held.encoder, held.encoder_bias, held.dictionary, held.bias):
            assert part.dtype == torch.float32
            assert part.is_contiguous()
        sae = held.stated()
        found = sae.encode(x)
        rows = sae.rows(*x.shape[:2])
        due = torch.zeros(x.shape[0] * x.shape[1], codes.shape[-1])
        due[rows] = codes.reshape(-1, codes.shape[-1])
        torch.testing.assert_close(found.dense().flatten(0, 1), due, atol=1e-5, rtol=1e-5)
        back = sae.decode(found, at=x).flatten(0, 1)[rows]
        torch.testing.assert_close(back, rebuilt.reshape(-1, x.shape[-1]), atol=1e-5, rtol=1e-5)

    return compare
