"""Names for components: the words of a vocabulary that lie nearest to what their strongest images have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from core.model import Clip
from core.types import TillerError
from core.zeroshot import text_vectors

CHOICES = 5  # the name, and four runners-up
TEMPLATE = "{}"
_ROWS_AT_ONCE = 4096


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """One word or phrase a line; empty lines and what follows a # are left out."""
    if not path.is_file():
        raise TillerError(f"The vocabulary {path} was asked for, but there is no such file; check the path.")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as wrong:
        raise TillerError(f"The vocabulary {path} is not UTF-8 text; save it as UTF-8, one phrase a line.") from wrong
    words = distinct(line.split("#", 1)[0] for line in lines)
    if not words:
        raise TillerError(f"The vocabulary {path} holds no word; write one phrase a line.")
    return words


def imagenet_names() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, as open_clip writes them."""
    return tuple(str(name) for name in IMAGENET_CLASSNAMES)


def distinct(words: Iterable[str]) -> tuple[str, ...]:
    """The words without surrounding space, each once whatever its letter case, in the order given."""
    found: dict[str, str] = {}
    for word in words:
        if word.strip():
            found.setdefault(word.strip().casefold(), word.strip())
    return tuple(found.values())


def phrase_vectors(model: Clip, words: Sequence[str], cache: Path | None = None) -> Float[Tensor, "w_plus_1 e"]:
    """Unit text vectors of the empty prompt and of `words`, in this order.

    Args:
        cache: a folder where they are kept for the next time; by model, words and threads, which move last bits.
    """
    said = "\n".join((model.digest, TEMPLATE, str(torch.get_num_threads()), model.text.device.type, *words))
    kept = None if cache is None else cache / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.safetensors"
    if kept is not None and kept.is_file():
        return load_file(kept)["vectors"]
    vectors = text_vectors(model.network, model.tokenizer, ("", *words), (TEMPLATE,)).float().cpu()
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
