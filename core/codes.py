"""Codes are kept as the few that are not 0, sorted by component, so that an edit touches its own entries alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Codes:
    """Non-zero codes of a batch: `values[i]` is the code of `components[i]` at `rows[i]` = image * tokens + token.

    Sorted by component, then row. `shape` is (images, tokens, components of the dictionary).
    """

    rows: Int[Tensor, " n"]
    components: Int[Tensor, " n"]
    values: Float[Tensor, " n"]
    shape: tuple[int, int, int]

    @classmethod
    def sorted(
        cls,
        rows: Int[Tensor, " n"],
        components: Int[Tensor, " n"],
        values: Float[Tensor, " n"],
        shape: tuple[int, int, int],
    ) -> Codes:
        """Codes from entries in ascending row order, components in any order."""
        order = torch.argsort(components, stable=True)
        # 4-byte indices: a reference set of 1,000 pictures has millions of entries
        return cls(rows[order].int(), components[order].int(), values[order], shape)

    @property
    def count(self) -> int:
        """How many codes are not 0."""
        return len(self.values)

    def span(self, component: int) -> slice:
        """Where the entries of `component` are."""
        ends = torch.tensor([component, component + 1], dtype=self.components.dtype, device=self.components.device)
        start, stop = torch.searchsorted(self.components, ends).tolist()
        return slice(start, stop)

    def of(self, component: int) -> tuple[Int[Tensor, " m"], Float[Tensor, " m"]]:
        """Rows where `component` is not 0, ascending, and its codes there."""
        where = self.span(component)
        return self.rows[where].long(), self.values[where]

    def active(self) -> tuple[int, ...]:
        """Components with a code that is not 0, ascending."""
        return tuple(torch.unique_consecutive(self.components).tolist())

    def totals(self, where: Bool[Tensor, " n"] | None = None) -> dict[int, float]:
        """The sum of each component's entries, or of those `where` is true, in float64."""
        components, values = (
            (self.components, self.values) if where is None else (self.components[where], self.values[where])
        )
        found, place = torch.unique_consecutive(components, return_inverse=True)
        sums = values.new_zeros(len(found), dtype=torch.float64).index_add_(0, place, values.double())
        return dict(zip(found.tolist(), sums.tolist(), strict=True))

    def peaks(self) -> dict[int, float]:
        """The greatest entry of each component."""
        found, place = torch.unique_consecutive(self.components, return_inverse=True)
        peaks = self.values.new_full((len(found),), -torch.inf).scatter_reduce_(0, place, self.values, "amax")
        return dict(zip(found.tolist(), peaks.tolist(), strict=True))

    def where(self, kept: Bool[Tensor, " n"]) -> Codes:
        """Those entries alone."""
        return Codes(self.rows[kept], self.components[kept], self.values[kept], self.shape)

    def of_image(self, image: int) -> Codes:
        """The codes of one image of the batch."""
        _, tokens, width = self.shape
        mine = self.where((self.rows >= image * tokens) & (self.rows < (image + 1) * tokens))
        return Codes(mine.rows - image * tokens, mine.components, mine.values, (1, tokens, width))

    def of_class_token(self) -> Codes:
        """The codes of one image's class token, as if there were no other token."""
        first = self.where(self.rows == 0)
        return Codes(first.rows, first.components, first.values, (1, 1, self.shape[2]))

    def dense(self) -> Float[Tensor, "b t k"]:
        """The full array; for tests and small dictionaries."""
        images, tokens, width = self.shape
        full = self.values.new_zeros(images * tokens, width)
        full[self.rows.long(), self.components.long()] = self.values
        return full.view(self.shape)

    def weigh(self, dictionary: Float[Tensor, "k d"]) -> Float[Tensor, "r d"]:
        """`dense() @ dictionary` by row (image * tokens + token), reading only rows of the dictionary that occur."""
        rows = self.shape[0] * self.shape[1]
        by_row = torch.argsort(self.rows, stable=True)
        starts = torch.searchsorted(self.rows[by_row], torch.arange(rows, device=self.rows.device, dtype=torch.int32))
        return functional.embedding_bag(
            self.components[by_row].long(),
            dictionary,
            starts,
            mode="sum",
            per_sample_weights=self.values[by_row],
        )
