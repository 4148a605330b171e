"""Balanced Latin squares: orders in which no place and no neighbour is favoured."""

from __future__ import annotations


def square(size: int) -> tuple[tuple[int, ...], ...]:
    """The orders of `size` things, numbered from 0: `size` rows where it is even, twice as many where it is odd.

    Each thing stands equally often in each place, and each follows each other one equally often: once where `size` is
    even, twice where it is odd. One thing has one order.

    Source: E. J. Williams, Experimental designs balanced for the estimation of residual effects of treatments,
    Australian Journal of Scientific Research A 2 (1949), 149-168.
    """
    if size < 1:
        raise ValueError(f"A square of {size} was asked for; it orders at least one thing.")
    # 0, 1, n-1, 2, n-2, ...: the differences of neighbours are all of 1 to n-1
    first = [(place + 1) // 2 if place % 2 else -(place // 2) % size for place in range(size)]
    rows = [tuple((one + row) % size for one in first) for row in range(size)]
    if size > 1 and size % 2:
        rows += [row[::-1] for row in rows]
    return tuple(rows)
