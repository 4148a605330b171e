"""Batches of pictures by position, decoded by threads while the model computes; what cannot be read leaves a gap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from core.indexing.files import ImageFiles
from core.pictures import open_image
from core.types import TillerError

AHEAD = 3  # batches decoded before they are asked for


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures `first` to `first + len(pixels) - 1`; the slots of `broken` hold zeros, and why is said there."""

    number: int
    first: int
    pixels: Float[Tensor, "b 3 h w"]
    broken: dict[int, str]


def batches(
    files: ImageFiles,
    preprocess: Callable[[Any], Tensor],
    numbers: Iterable[int],
    *,
    size: int,
    side: int,
    readers: int,
) -> Iterator[Batch]:
    """Batch n holds the files from n * size on, so that each file always meets the same neighbours.

    Args:
        side: of the pixels, which the gaps need.
        readers: threads that decode.
    """
    with ThreadPoolExecutor(readers, thread_name_prefix="tiller-read") as pool:
        due: deque[tuple[int, int, Tensor, list[Future[str | None]]]] = deque()

        def begin(number: int) -> None:
            first = number * size
            last = min(len(files), first + size)
            pixels = torch.zeros(last - first, 3, side, side)
            work = [pool.submit(_fill, pixels[each - first], files, each, preprocess) for each in range(first, last)]
            due.append((number, first, pixels, work))

        try:
            left = iter(numbers)
            while True:
                with suppress(StopIteration):
                    while len(due) < AHEAD:
                        begin(next(left))
                if not due:
                    return
                number, first, pixels, work = due.popleft()
                said = {slot: reason for slot, future in enumerate(work) if (reason := future.result()) is not None}
                yield Batch(number, first, pixels, said)
        finally:
            for *_, work in due:
                for future in work:
                    future.cancel()


def _fill(slot: Tensor, files: ImageFiles, position: int, preprocess: Callable[[Any], Tensor]) -> str | None:
    """Decode one file into its slot, or say why it cannot be."""
    try:
        slot.copy_(preprocess(open_image(files.path(position))))
    except (TillerError, OSError) as refused:
        slot.zero_()
        # the sentence names the file, by a path that another machine need not have
        return str(refused).replace(str(files.path(position)), files.name(position))
    return None
