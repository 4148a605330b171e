"""What a logged prediction says of the machine that made it."""

from __future__ import annotations

import pytest
import torch

from core.environment import environment_of
from core.model import Clip

FINGERPRINT = {  # what two runs must share before a replay may ask for equal bits
    "python",
    "system",
    "machine",
    "processor",
    "cpu_capability",
    "torch",
    "torch_build_sha256",
    "open_clip",
    "threads",
    "attention",
    "onednn",
    "mkl_cbwr",
    "dtype",
    "device",
    "batch",
}


def test_the_environment_has_every_field_of_the_fingerprint_as_text(tiny_model: Clip) -> None:
    found = environment_of(tiny_model)
    assert set(found) == FINGERPRINT
    assert all(isinstance(value, str) for value in found.values())
    assert (found["torch"], found["dtype"], found["device"]) == (torch.__version__, "float32", "cpu")


def test_what_can_change_while_the_app_runs_is_read_anew(tiny_model: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment_of(tiny_model)
    assert environment_of(tiny_model) == before
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
        torch.backends.mkldnn.enabled = False
        after = environment_of(tiny_model)
    finally:
        torch.backends.mkldnn.enabled = True
        torch.set_num_threads(threads)
    assert {name for name in before if before[name] != after[name]} == {"threads", "mkl_cbwr", "onednn"}
