"""What a model is called comes to one thing: a configuration of open_clip's, a file of weights, a preprocessing."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from core import hub
from core.hub import CONFIG, HUB, WEIGHTS
from core.openclip import PreprocessCfg, open_clip
from core.types import MissingArtefact, TillerError
from core.weights import why_refused


@dataclass(frozen=True, slots=True)
class Source:
    """Where one model comes from; `image` holds open_clip's `PreprocessCfg` fields, as far as they are said."""

    name: str
    config: Mapping[str, Any]
    image: Mapping[str, Any]
    weights: Path
    tokens: str = ""  # the folder or repository of a tokenizer that is not open_clip's own


def find_source(
    name: str, pretrained: str | Path | None, progress: hub.Progress = lambda what, done, of: None
) -> Source:
    """What `name` and `pretrained` come to; what is neither on this machine nor refused is fetched.

    Args:
        name: an architecture of open_clip's, `hf-hub:ORG/NAME` (and `@REVISION`), or a folder as such a repository is.
        pretrained: a published tag of the architecture, or a file that holds a state dict; with a repository or a
            folder None, or a file to take in place of its own.

    Raises:
        TillerError: the name, the tag, the tower or the activation is not one that can be used.
    """
    if name.startswith(HUB):
        repo, _, revision = name.removeprefix(HUB).partition("@")
        said = hub.fetch(hub.Wanted(repo, ((CONFIG,),), revision or "main"), progress).files[0]
        return _described(name, said, pretrained, repo, revision or "main", progress)
    if Path(name).is_dir():
        if not (Path(name) / CONFIG).is_file():
            raise TillerError(
                f"Folder {name} was given as a model and has no {CONFIG}; give a folder as a repository of open_clip's "
                f"is: {CONFIG} and {WEIGHTS[0]}."
            )
        return _described(name, Path(name) / CONFIG, pretrained, "", "", progress)
    if name not in open_clip.list_models():
        near = difflib.get_close_matches(name, open_clip.list_models(), 3, 0.4) or ["ViT-B-32", "ViT-B-16", "ViT-L-14"]
        raise TillerError(
            f"Model '{name}' was asked for, but open_clip has none of that name; near it are {', '.join(near)}."
        )
    config = open_clip.get_model_config(name) or {}
    refuse_architecture(name, config)
    tokens = config["text_cfg"].get("hf_tokenizer_name", "")
    weights, image = _published(name, config, pretrained, progress)
    return Source(name, config, image, weights, tokens)


def wanted_of(name: str, pretrained: str | None) -> hub.Wanted:
    """The files that a repository, or a tag that one serves, comes to."""
    if name.startswith(HUB):
        return hub.wanted_model(name)
    repo, _, file = open_clip.get_pretrained_cfg(name, str(pretrained)).get("hf_hub", "").rpartition("/")
    return hub.Wanted(repo, ((f"{file.rpartition('.')[0]}.safetensors", file) if file else WEIGHTS,))


def refuse_architecture(name: str, config: Mapping[str, Any]) -> None:
    """Raise TillerError where a configuration's towers are not ones that can be cut and read, before any download."""
    vision, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    other = vision.get("timm_model_name")
    if other or isinstance(vision.get("layers"), list):
        raise TillerError(
            f"Model '{name}' was asked for, and its image tower is {f'timm’s {other}' if other else 'a ResNet'}; only "
            "open_clip's VisionTransformer can be cut: choose a ViT model, such as ViT-B-32."
        )
    foreign = text.get("hf_model_name") or text.get("hf_tokenizer_name")
    if foreign and find_spec("transformers") is None:
        raise TillerError(
            f"Model '{name}' was asked for, and its texts are read by {foreign} of the package transformers, which is "
            "not installed; install it, or choose a model with open_clip's own text tower, such as ViT-B-32."
        )


def _described(
    name: str, path: Path, pretrained: str | Path | None, repo: str, revision: str, progress: hub.Progress
) -> Source:
    """A model whose folder or repository holds its own configuration."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        config = cast("dict[str, Any]", said["model_cfg"])
        sound = all(isinstance(config[part], dict) for part in ("vision_cfg", "text_cfg"))
    except (ValueError, KeyError, TypeError) as wrong:
        raise TillerError(
            f"{path} does not say what model it is ({why_refused(wrong)}); it must hold model_cfg with vision_cfg and "
            "text_cfg, as open_clip writes it."
        ) from wrong
    if not sound:
        raise TillerError(f"{path} holds no vision_cfg and text_cfg of a model; it must hold what open_clip writes.")
    refuse_architecture(name, config)
    if repo:
        _refuse_activation(name, repo, config)
    if pretrained is not None:
        weights = _given(name, pretrained, f"a file that holds a state dict, or nothing: {name} has weights of its own")
    elif repo:
        weights = hub.fetch(hub.Wanted(repo, (WEIGHTS,), revision), progress).files[0]
    else:
        there = [path.parent / each for each in WEIGHTS if (path.parent / each).is_file()]
        if not there:
            raise MissingArtefact(f"Folder {name} has {CONFIG} and no weights; put {WEIGHTS[0]} or {WEIGHTS[2]} there.")
        weights = there[0]
    tokens = (repo or str(path.parent)) if config["text_cfg"].get("hf_tokenizer_name") else ""
    return Source(name, config, _image(said.get("preprocess_cfg") or {}), weights, tokens)


def _published(
    name: str, config: Mapping[str, Any], pretrained: str | Path | None, progress: hub.Progress
) -> tuple[Path, Mapping[str, Any]]:
    """The weights of an architecture, and how pictures were made ready for them where a tag says so."""
    tags = open_clip.list_pretrained_tags_by_model(name)
    known = f"a state dict file or a tag ({', '.join(tags) or 'none is published'})"
    if pretrained is None:
        raise TillerError(f"No weights were named for {name}, and random ones are never used; give {known}.")
    quick = config.get("quick_gelu", False)
    sibling = name.removesuffix("-quickgelu") if quick else f"{name}-quickgelu"
    if Path(pretrained).is_file():
        return Path(pretrained), {}
    said = open_clip.get_pretrained_cfg(name if str(pretrained) in tags else sibling, str(pretrained))
    if not said:
        return _given(name, pretrained, known), {}
    if said.get("quick_gelu", False) != quick:
        raise TillerError(
            f"Weights '{pretrained}' were trained {'without' if quick else 'with'} QuickGELU and {name} computes "
            f"{'with' if quick else 'without'} it; use the model '{sibling}'."
        )
    if said.get("hf_hub"):
        return hub.fetch(wanted_of(name, str(pretrained)), progress).files[0], _image(said)
    try:
        return Path(open_clip.download_pretrained(said)), _image(said)
    except Exception as refused:  # a download fails in many types, all of them for one reason
        raise MissingArtefact(
            f"Weights '{pretrained}' of {name} could not be fetched ({why_refused(refused)}); fetch {said['url']} "
            "where there is a network, and name the file in place of the tag."
        ) from refused


def _given(name: str, pretrained: str | Path, known: str) -> Path:
    if not Path(pretrained).is_file():
        raise TillerError(f"Weights '{pretrained}' for {name} are neither a file nor a tag; give {known}.")
    return Path(pretrained)


def _image(said: Mapping[str, Any]) -> dict[str, Any]:
    kept = {field.name for field in fields(PreprocessCfg)} - {"size"}  # the tower says its size itself
    return {key: value for key, value in said.items() if key in kept}


def _refuse_activation(name: str, repo: str, config: Mapping[str, Any]) -> None:
    """Refuse a repository whose configuration computes another activation than open_clip states for its weights."""
    quick = bool(config.get("quick_gelu", False))
    for model, tag in open_clip.list_pretrained():
        said = open_clip.get_pretrained_cfg(model, tag)
        trained = bool(said.get("quick_gelu", False))
        own = bool((open_clip.get_model_config(model) or {}).get("quick_gelu", False))
        if said.get("hf_hub", "").rpartition("/")[0] == repo and own == trained != quick:
            raise TillerError(
                f"{name} computes {'with' if quick else 'without'} QuickGELU by its {CONFIG}, and its weights were "
                f"trained {'with' if trained else 'without'} it as open_clip states; use the model '{model}' with the "
                f"tag '{tag}'."
            )
