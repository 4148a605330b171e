"""Weights are named by a file or a published tag, and known by a digest of their values, never by their file name."""

from __future__ import annotations

import difflib
import hashlib
import pickle
import re
from pathlib import Path

import open_clip
import torch
from torch import nn

from core.types import TillerError

LONGEST_REASON = 160  # characters
_ESCAPE = re.compile("\x1b\\[[0-9;]*m")  # colours of a terminal


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
    vision = (open_clip.get_model_config(name) or {}).get("vision_cfg", {})
    if "timm_model_name" in vision or isinstance(vision.get("layers"), list):
        raise TillerError(
            f"Model '{name}' was asked for, and its image tower is not open_clip's VisionTransformer, which alone can "
            "be cut; choose a ViT model, such as ViT-B-32."
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    known = f"a state dict file or a tag ({', '.join(tags) or 'none is published'})"
    if pretrained is None:
        raise TillerError(f"No weights were named for {name}, and random ones are never used; give {known}.")
    if Path(pretrained).is_file():
        _refuse_contents(name, Path(pretrained))
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


def why_refused(refused: Exception) -> str:
    """Why a file or a tag gave no weights, in a few words: loaders speak in paragraphs, and advise what we never do."""
    if isinstance(refused, pickle.UnpicklingError):
        return "it holds more than tensors, and nothing in a file is ever run"
    if isinstance(refused, AttributeError | StopIteration):
        return "it holds no state dict"
    said = " ".join(_ESCAPE.sub("", str(refused)).split())
    return (said if len(said) <= LONGEST_REASON else said[:LONGEST_REASON] + " ...") or type(refused).__name__


def refuse_values(module: nn.Module, name: str) -> None:
    """Refuse weights of which one is not a finite number: each prediction would be NaN."""
    for part, tensor in module.state_dict().items():
        if tensor.is_floating_point() and tensor.numel() and not torch.stack(tensor.aminmax()).isfinite().all():
            raise TillerError(
                f"Weights were given for {name} whose '{part}' holds values that are not finite; a prediction needs "
                "finite ones: fetch or train them again."
            )


def _refuse_contents(name: str, path: Path) -> None:
    """Refuse a file that does not begin as safetensors or torch's own do, before any loader takes it for a pickle."""
    with path.open("rb") as file:
        head = file.read(9)
    sound = head[8:] == b"{" if path.suffix == ".safetensors" else head.startswith((b"PK", b"\x80\x02"))
    if not sound:
        raise TillerError(
            f"'{path}' was given as weights for {name} and is no state dict; give a file that safetensors "
            "(.safetensors) or torch.save wrote."
        )
