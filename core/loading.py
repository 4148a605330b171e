"""A model is opened from its source whole, checked and digested in single precision, whatever it is to compute in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from core.checksum import refuse_changed
from core.openclip import HFTokenizer, PreprocessCfg, convert_weights_to_lp, image_transform_v2, open_clip
from core.sources import Source
from core.types import TillerError
from core.weights import refuse_contents, refuse_values, weights_digest, why_refused
from core.zeroshot import Tokenizer


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a source holds; `digest` is of the weights' values in single precision, `file_sha256` of their file."""

    network: nn.Module
    preprocess: Callable[[Any], Tensor]
    tokenizer: Tokenizer
    digest: str
    file_sha256: str


def loaded(source: Source, dtype: torch.dtype) -> Loaded:
    """The model of `source`, computing in `dtype`; nothing in its file is executed.

    Raises:
        TillerError: the file holds no such weights, or some that are not finite.
    """
    refuse_contents(source.name, source.weights)
    file_sha256 = refuse_changed(source.weights)
    try:
        network = network_of(source.config)
        open_clip.load_checkpoint(cast(open_clip.CLIP, network), str(source.weights))
    except Exception as refused:  # files fail in many types, all of them for one reason
        raise TillerError(
            f"'{source.weights}' gives no weights for {source.name} ({why_refused(refused)}); give a state dict of "
            f"{source.name}, or name its own model."
        ) from refused
    refuse_values(network, source.name)
    digest = weights_digest(network)
    if dtype is not torch.float32:
        whole, network = network, network_of(source.config, dtype)
        network.load_state_dict(whole.state_dict())
        refuse_values(network, f"{source.name} in {str(dtype).removeprefix('torch.')}")
    image = PreprocessCfg(**{"size": cast(Any, network.visual).image_size, **source.image})
    preprocess = cast("Callable[[Any], Tensor]", image_transform_v2(image, is_train=False))
    return Loaded(network, preprocess, tokenizer_of(source), digest, file_sha256)


def network_of(config: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> nn.Module:
    """open_clip's model of a configuration, with random weights, computing in `dtype` as open_clip does.

    In half precision its layer norms and embeddings stay in float32.
    """
    said = dict(config)
    custom = said.pop("custom_text", False) or "hf_model_name" in said.get("text_cfg", {})
    kind = open_clip.CLIP
    if custom:
        kind = open_clip.CoCa if "multimodal_cfg" in said else open_clip.CustomTextCLIP
    if dtype is torch.float32:
        return kind(**said)
    if kind is open_clip.CoCa:
        raise TillerError(
            "A CoCa model was asked for in half precision, which open_clip computes for no CoCa: use float32."
        )
    network = kind(**said, cast_dtype=dtype)
    convert_weights_to_lp(network, dtype)
    return network


@cache
def simple_tokenizer(context_length: int) -> Tokenizer:
    """open_clip's own tokenizer: its vocabulary is read once, and shared by all models of that context length."""
    return open_clip.SimpleTokenizer(context_length=context_length)


def tokenizer_of(source: Source) -> Tokenizer:
    """The tokenizer that the model's texts were read by in its training."""
    text = source.config["text_cfg"]
    length, more = text.get("context_length", 77), text.get("tokenizer_kwargs", {})
    if not source.tokens:
        return open_clip.SimpleTokenizer(context_length=length, **more) if more else simple_tokenizer(length)
    return HFTokenizer(source.tokens, context_length=length, tokenizer_mode=text.get("tokenizer_mode"), **more)
