"""open_clip is imported without timm and torch's compiler, and takes neither from anybody who wants them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THERE = "[name in sys.modules for name in ('timm', 'torch._dynamo', 'torch._dynamo.utils')]"


def told(*lines: str) -> list[object]:
    """What a new process prints at its end, in which nothing was imported before."""
    code = "\n".join(["import json, sys", *lines])
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_model_answers_without_timm_and_the_compiler_and_both_are_whole_for_whoever_wants_them() -> None:
    before, after, same, answers = told(
        "import torch",
        "from core.openclip import open_clip",
        "pixels = torch.zeros(1, 3, 32, 32)",
        "vision = {'image_size': 32, 'patch_size': 8, 'width': 32, 'head_width': 16, 'layers': 2}",
        "text = {'context_length': 8, 'vocab_size': 64, 'width': 16, 'heads': 2, 'layers': 1}",
        "with torch.no_grad():",
        "    open_clip.CLIP(embed_dim=16, vision_cfg=vision, text_cfg=text).encode_image(pixels)",
        f"before = {THERE}",
        "from torchvision.ops import roi_align",
        "answers = roi_align(torch.ones(1, 1, 4, 4), [torch.tensor([[0.0, 0.0, 4.0, 4.0]])], (1, 1)).tolist()",
        "import torchvision.ops.roi_align, timm",
        "module = sys.modules['torchvision.ops.roi_align']",
        "said = [module.is_compile_supported(device) for device in ('cpu', 'cuda', 'meta')]",
        "import torch._dynamo.utils as real",
        "same = said == [real.is_compile_supported(device) for device in ('cpu', 'cuda', 'meta')]",
        "compiled = torch.compile(lambda x: x + 1, backend='eager')(torch.ones(1)).item()",
        f"print(json.dumps([before, {THERE}, [same, compiled, timm.is_model('resnet18')], answers]))",
    )
    assert before == [False, False, False]
    assert after == [True, True, True]
    assert same == [True, 2.0, True]
    assert answers == [[[[1.0]]]]


@pytest.mark.parametrize("first", ["timm", "torch._dynamo.utils"])
def test_what_was_imported_before_stays_what_it_was(first: str) -> None:
    assert told(
        f"import {first}",
        f"there = sys.modules[{first!r}]",
        "import core.openclip",
        "import open_clip.timm_model as adapter, torchvision.ops.roi_align",
        f"print(json.dumps([sys.modules[{first!r}] is there, {first != 'timm'} or adapter.timm is there]))",
    ) == [True, True]


def test_what_another_version_may_ask_of_the_compiler_while_it_is_imported_is_answered_by_it() -> None:
    assert told(
        "from core import openclip",
        "with openclip._instead({'torch._dynamo.utils': openclip._QUESTION}):",
        "    from torch._dynamo.utils import counters",
        "import torch._dynamo.utils as real",
        "print(json.dumps([real is not openclip._QUESTION, counters is real.counters]))",
    ) == [True, True]
