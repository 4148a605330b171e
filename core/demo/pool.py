"""Pictures drawn once by all cores and kept as small arrays, so that epochs cost no drawing."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from core.demo.world import Truth, draw

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""

MODEL_SIDE = 64  # pixels the model sees
_CHUNK = 32


def silent(stage: str, done: int, steps: int) -> None:
    """The progress of a build nobody watches."""


def seen_small(image: Image.Image) -> np.ndarray:
    """What the model's preprocessing makes of a picture before it scales the values: bicubic, MODEL_SIDE square."""
    return np.asarray(image.resize((MODEL_SIDE, MODEL_SIDE), Image.Resampling.BICUBIC), np.uint8)


def _drawn_small(truths: Sequence[Truth]) -> np.ndarray:
    return np.stack([seen_small(draw(truth)) for truth in truths])


def drawn_pool(
    truths: Sequence[Truth],
    *,
    stage: str = "drawing",
    progress: Progress = silent,
    workers: int | None = None,
    cache: Path | None = None,
) -> np.ndarray:
    """The pictures of `truths` as the model sees them, uint8 (n, MODEL_SIDE, MODEL_SIDE, 3), in order.

    With `cache`, an array already there is read instead; the caller names it after what was asked.
    """
    if cache is not None and cache.is_file():
        held = np.load(cache, allow_pickle=False)
        if len(held) == len(truths):
            progress(stage, len(truths), len(truths))
            return held
    chunks = [truths[start : start + _CHUNK] for start in range(0, len(truths), _CHUNK)]
    count = workers or os.cpu_count() or 1
    parts: list[np.ndarray] = []
    if count == 1 or len(chunks) < 4:
        for chunk in chunks:
            parts.append(_drawn_small(chunk))
            progress(stage, sum(map(len, parts)), len(truths))
    else:
        # spawned, since a forked child of a process with torch's threads can hang
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as executor:
            for part in executor.map(_drawn_small, chunks):
                parts.append(part)
                progress(stage, sum(map(len, parts)), len(truths))
    pool = np.concatenate(parts) if parts else np.zeros((0, MODEL_SIDE, MODEL_SIDE, 3), np.uint8)
    if cache is not None:
        packed = BytesIO()
        np.save(packed, pool, allow_pickle=False)
        partial = cache.with_suffix(".partial")
        partial.write_bytes(packed.getvalue())
        partial.replace(cache)
    return pool
