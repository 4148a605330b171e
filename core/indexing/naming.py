"""Names for components: the words of a vocabulary that lie nearest to what their strongest images have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from core.model import Clip
from core.openclip import IMAGENET_CLASSNAMES
from core.zeroshot import PROMPTS_AT_ONCE, text_vectors

CHOICES = 5  # the name, and four runners-up
TEMPLATE = "{}"
_ROWS_AT_ONCE = 4096


def imagenet_names() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, as open_clip writes them."""
    return tuple(str(name) for name in IMAGENET_CLASSNAMES)


def phrase_vectors(
    model: Clip,
    words: Sequence[str],
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Float[Tensor, "w_plus_1 e"]:
    """Unit text vectors of the empty prompt and of `words`, in this order.

    Args:
        cache: a folder where they are kept for the next time; by model, words and threads, which move last bits.
        progress: told how many words of how many are done; the empty prompt is none.
    """
    texts = ("", *words)
    said = "\n".join((model.digest, TEMPLATE, str(torch.get_num_threads()), model.text.device.type, *words))
    kept = None if cache is None else cache / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.safetensors"
    if kept is not None and kept.is_file():
        progress(len(words), len(words))
        return load_file(kept)["vectors"]
    parts: list[Tensor] = []
    for first in range(0, len(texts), PROMPTS_AT_ONCE):
        some = texts[first : first + PROMPTS_AT_ONCE]
        parts.append(text_vectors(model.network, model.tokenizer, some, (TEMPLATE,)).float().cpu())
        progress(first + len(some) - 1, len(words))
    vectors = torch.cat(parts)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_file({"vectors": vectors.contiguous()}, kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)
    return vectors


def names_of(exemplar_mean: np.ndarray, vectors: Float[Tensor, "w_plus_1 e"]) -> dict[str, np.ndarray]:
    """The words of greatest s(t) = cos(e, text(t)) - cos(e, text("")), best first; -1 and NaN where e is 0."""
    size = min(CHOICES, len(vectors) - 1)
    words = np.full((len(exemplar_mean), CHOICES), -1, np.int32)
    scores = np.full((len(exemplar_mean), CHOICES), np.nan, np.float32)
    for first in range(0, len(exemplar_mean), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        mean = torch.from_numpy(exemplar_mean[part])
        cosine = functional.normalize(mean, dim=-1) @ vectors.T
        best, place = (cosine[:, 1:] - cosine[:, :1]).topk(size, dim=-1)
        known = mean.any(dim=-1).numpy()
        words[part, :size] = np.where(known[:, None], place.numpy(), -1)
        scores[part, :size] = np.where(known[:, None], best.numpy(), np.nan)
    return {"name_words": words, "name_scores": scores}
