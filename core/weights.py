"""Weights are named by a file or a published tag, and known by a digest of their values, never by their file name."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path

import open_clip
import torch
from torch import nn

from core.types import TillerError


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over names, types, shapes and values of a module's state: the same whatever file it came from."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def weights_source(name: str, pretrained: str | Path | None) -> str:
    """The file or tag to load `name` from; refuses unknown names and tags, no weights, and the wrong activation."""
    if name not in open_clip.list_models():
        near = difflib.get_close_matches(name, open_clip.list_models(), 3, 0.4) or ["ViT-B-32", "ViT-B-16", "ViT-L-14"]
        raise TillerError(
            f"Model '{name}' was asked for, but open_clip has none of that name; near it are {', '.join(near)}."
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    known = f"a state dict file or a tag ({', '.join(tags) or 'none is published'})"
    if pretrained is None:
        raise TillerError(f"No weights were named for {name}, and random ones are never used; give {known}.")
    if Path(pretrained).is_file():
        return str(pretrained)
    if str(pretrained) not in tags:
        raise TillerError(f"Weights '{pretrained}' for {name} are neither a file nor a tag; give {known}.")
    quick = open_clip.get_pretrained_cfg(name, str(pretrained)).get("quick_gelu", False)
    if quick != (open_clip.get_model_config(name) or {}).get("quick_gelu", False):
        raise TillerError(
            f"Weights '{pretrained}' were trained {'with' if quick else 'without'} QuickGELU and {name} computes "
            f"{'without' if quick else 'with'} it; use the model "
            f"'{name + '-quickgelu' if quick else name.removesuffix('-quickgelu')}'."
        )
    return str(pretrained)
