"""Where a prediction was computed: what may move a logit's last bits besides the state itself."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from core.model import Clip


def environment_of(model: Clip) -> dict[str, str]:
    """The fields that two runs must share before their logits can be asked to agree bit for bit.

    What the prediction is *of* (weights, dictionary, labels, picture) is the state's and is not repeated here.
    """
    attention = {
        "flash": torch.backends.cuda.flash_sdp_enabled(),
        "efficient": torch.backends.cuda.mem_efficient_sdp_enabled(),
        "math": torch.backends.cuda.math_sdp_enabled(),
    }
    return {
        **_machine(),
        "threads": str(torch.get_num_threads()),
        "attention": " ".join(name for name, allowed in attention.items() if allowed),
        "onednn": str(torch.backends.mkldnn.enabled),
        "mkl_cbwr": os.environ.get("MKL_CBWR", ""),
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
        "batch": "1",
    }


@cache
def _machine() -> dict[str, str]:
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_build_sha256": hashlib.sha256(torch.__config__.show().encode()).hexdigest(),
        "open_clip": version("open_clip_torch"),
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")  # Linux alone; elsewhere the platform's own word has to do
    lines = listed.read_text(errors="replace").splitlines() if listed.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
