"""Codes of a whole batch, component by component: those of `sae.encode`, rounded otherwise, for less work.

Rows of the encoder are multiplied with all tokens, some rows at a time, so that codes come out sorted. Where the
processor multiplies bfloat16 faster than float32, such a product only says which codes can be above their threshold
at all, by a bound that holds for any weights; those few are then computed in float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from core.packing import Packed, can_pack
from core.sae import SparseAutoencoder

AT_ONCE = 1 << 21  # products held at a time: 4 or 8 MB
_ROWS_AT_ONCE = 4096
_SPARE = 28  # columns of zeros, which keep rows aligned

Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # rows, components and values, sorted by component, then row
Arithmetic = Literal["by token", "by component", "bfloat16 screen"]
Encode = Callable[[Float[Tensor, "b t d"]], Found]
Columns = Callable[[Tensor], Tensor]  # rows of an encoder in, their products with all tokens out


def arithmetic_of(sae: SparseAutoencoder) -> Arithmetic:
    """By which arithmetic `encoder_of` multiplies here: it decides last bits, and depends on the processor."""
    if sae.floor is None or sae.encoder.device.type != "cpu" or sae.encoder.dtype != torch.float32:
        return "by token"
    screens = can_pack(sae.encoder) and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16 screen" if screens else "by component"


def encoder_of(sae: SparseAutoencoder) -> Encode:
    """The quickest way to the codes of `sae` on its device."""
    match arithmetic_of(sae):
        case "by token":
            return lambda x: _by_token(sae, x)
        case "by component":
            return ByComponent(sae)
        case "bfloat16 screen":
            return Screened(sae)


def _by_token(sae: SparseAutoencoder, x: Tensor) -> Found:
    codes = sae.encode(x)
    return codes.rows.cpu().numpy(), codes.components.cpu().numpy(), codes.values.float().cpu().numpy()


class ByComponent:
    """Encodes where the activation looks at each component alone."""

    def __init__(self, sae: SparseAutoencoder) -> None:
        self._sae, self._weights = sae, sae.encoder.detach()
        floor = torch.zeros(sae.size) if sae.floor is None else sae.floor.expand(sae.size)
        self._bias, self._floor = sae.encoder_bias.detach(), floor

    @torch.inference_mode()
    def __call__(self, x: Float[Tensor, "b t d"]) -> Found:
        """The codes above 0 of the tokens that the dictionary speaks for."""
        rows = self._sae.rows(*x.shape[:2])
        read = self._sae.read(x.flatten(0, 1)[rows])
        step = max(64, AT_ONCE // max(1, len(rows)))
        columns, found = self._columns(read, step), []
        for first in range(0, self._sae.size, step):
            part = slice(first, min(first + step, self._sae.size))
            components, tokens, values = self._products(part, read, columns)
            values += self._bias[part].numpy()[components]
            above = values > self._floor[part].numpy()[components]
            found.append((tokens[above], components[above] + first, values[above]))
        tokens, components, values = (np.concatenate(each) for each in zip(*found, strict=True))
        return rows.int().numpy()[tokens], components.astype(np.int32), values

    def _columns(self, read: Tensor, step: int) -> Columns:
        return Packed(read, None, step) if can_pack(read) else partial(functional.linear, weight=read)

    def _products(self, part: slice, read: Tensor, columns: Columns) -> Found:
        """Components of `part`, tokens and their products, where a code can be; sorted."""
        products = columns(self._weights[part])
        _, components, tokens = _where(products > (self._floor - self._bias)[part, None])
        return components, tokens, products.numpy()[components, tokens]


class Screened(ByComponent):
    """Encodes by a product in bfloat16, and those that it leaves over in float32.

    For a row w with bias b and threshold t, with w', x' in bfloat16, Cauchy and Schwarz give
    w x + b - t <= w' x' + (b - t) + |w - w'| |x'| + |w| |x - x'|, which is one product, of rows
    [w', b - t, |w - w'|, |w|] with columns [x', 1, |x'|, |x - x'|], all rounded up (b - t has two numbers). What two
    sums of d numbers in float32 lose, at most d 2^-24 |w| |x| each, is added. Only its sign is looked at.
    """

    def __init__(self, sae: SparseAutoencoder) -> None:
        super().__init__(sae)
        with warnings.catch_warnings(category=UserWarning, action="ignore"):
            torch.eye(1).to_sparse_csr()  # torch says once that such matrices are new to it
        parts = (slice(first, first + _ROWS_AT_ONCE) for first in range(0, sae.size, _ROWS_AT_ONCE))
        self._screen = torch.cat([self._rows(part) for part in parts])

    def _rows(self, part: slice) -> Tensor:
        near, off, length = _halved(self._weights[part])
        loss = (self._sae.width + _SPARE) * 2**-23
        reach = (self._bias - self._floor)[part]
        high = reach.bfloat16()
        low = _raised(reach - high.float() + loss * reach.abs())
        return _beside(near, high, low, _raised(off + loss * length), _raised(length))

    def _columns(self, read: Tensor, step: int) -> Columns:
        near, off, length = _halved(read)
        one = torch.ones(len(read), dtype=torch.bfloat16)
        return Packed(_beside(near, one, one, _raised(length), _raised(off)), None, step)

    def _products(self, part: slice, read: Tensor, columns: Columns) -> Found:
        # as whole numbers, bits of a number above 0 are above 0
        starts, components, tokens = _where(columns(self._screen[part]).view(torch.int16) > 0)
        rows = self._weights[part]
        asked = torch.sparse_csr_tensor(
            torch.from_numpy(starts),
            torch.from_numpy(tokens),
            torch.zeros(len(tokens)),
            (len(rows), len(read)),
            check_invariants=False,
        )
        return components, tokens, torch.sparse.sampled_addmm(asked, rows, read.T, beta=0.0).values().numpy()


def _where(chosen: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each row begins among the places of `chosen`, and of each place its row and its column."""
    count, width = chosen.shape
    flat = np.flatnonzero(chosen.numpy())
    starts = np.searchsorted(flat, np.arange(count + 1) * width)
    rows = np.repeat(np.arange(count), np.diff(starts))
    return starts, rows, flat - rows * width


def _halved(x: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor, Tensor]:
    """In bfloat16, how far that is off, and what neither is longer than."""
    near = x.bfloat16()
    off = (x - near.float()).norm(dim=1)
    return near, off, near.float().norm(dim=1) + off


def _raised(x: Tensor) -> Tensor:
    """In bfloat16, not below."""
    near = x.bfloat16()
    return torch.where(near.float() < x, near.nextafter(torch.full_like(near, torch.inf)), near)


def _beside(near: Tensor, *columns: Tensor) -> Tensor:
    return torch.cat([near, torch.stack(columns, dim=1), near.new_zeros(len(near), _SPARE)], dim=1)
