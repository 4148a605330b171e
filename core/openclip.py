"""open_clip, imported without two packages that no tower here uses and that cost more than half of its import.

timm brings four hundred architectures, all of them refused by name (`core.sources`); open_clip itself does without it.
torchvision asks torch's compiler one question for its pooling of regions, which nothing here computes, and has all of
the compiler imported for it; the question is put when somebody asks it. Both packages can be imported afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


def is_compile_supported(device_type: str) -> bool:
    """What torch's compiler answers, which is imported when it is asked."""
    from torch._dynamo.utils import is_compile_supported as answered  # noqa: PLC0415

    return answered(device_type)


@contextmanager
def _instead(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Those of `modules` that nobody has imported yet are these meanwhile; one that is None cannot be imported."""
    held = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(held)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in held.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _answer(name: str) -> Any:
    """Whatever else is asked of the compiler, by another version than today's, is asked of the compiler itself."""
    if name.startswith("__"):  # what importing itself asks of any module
        raise AttributeError(name)
    if sys.modules.get(_COMPILER) is _QUESTION:
        del sys.modules[_COMPILER]
    return getattr(import_module(_COMPILER), name)


_COMPILER = "torch._dynamo.utils"
_QUESTION = ModuleType(_COMPILER)
_QUESTION.__dict__.update(is_compile_supported=is_compile_supported, __getattr__=_answer)

with _instead({"timm": None, _COMPILER: _QUESTION}):
    import open_clip
    from open_clip.factory import load_state_dict
    from open_clip.model import convert_weights_to_lp
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

__all__ = [
    "IMAGENET_CLASSNAMES",
    "HFTokenizer",
    "PreprocessCfg",
    "ResidualAttentionBlock",
    "SimpleTokenizer",
    "VisionTransformer",
    "convert_weights_to_lp",
    "image_transform_v2",
    "load_state_dict",
    "open_clip",
]
