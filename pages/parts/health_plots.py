"""Plots of a dictionary's health as inline SVG, in the visual language of the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log1p
from typing import Any

from core.types import EMBEDDING, Block, cut_name
from pages.parts.plot_marks import FIRST, LAST, axis, beside, label, rule, svg, words
from study.trust import NORMS, order_name, percent

Plain = Mapping[str, Any]

_PANEL = 310
_BESIDE = 34  # a number nearer to the own block's name would touch it
_LINE = 14
_LOWEST, _HIGHEST = -4.0, 5.0  # of a scaled margin; beyond, a curve is cut off


def candidates(decision: Plain) -> str:
    """One row for each way to read the weights: the variance it explains, and the floor that the best must reach."""
    drawn, y = list[str](), 14.0
    rows = sorted(decision["candidates"], key=lambda one: -(-9e9 if one["explained"] is None else one["explained"]))

    def across(value: float) -> float:
        return FIRST + min(1.0, max(0.0, value)) * (LAST - FIRST)

    for one in rows:
        chosen = one == decision["chosen"]
        name = f"{NORMS.get(one['normalisation'], one['normalisation'])}{'' if one['pre_bias'] else ', bias in'}"
        drawn += [label(name, y), rule(FIRST, LAST, y)]
        value = one["explained"]
        if value is not None and value > 0:
            drawn.append(f'<path class="band{" took" if chosen else ""}" d="M{FIRST} {y}H{across(value):.1f}"/>')
        if chosen:
            drawn.append(f'<path class="value" d="M{across(value or 0):.1f} {y - 8}v16"/>')
        drawn.append(beside(percent(value), y))
        y += 24
    bottom = y - 10
    drawn.append(f'<path class="floor" d="M{across(decision["floor"]):.1f} 2V{bottom}"/>')
    ticks = [(FIRST, "0"), (across(decision["floor"]), f"floor {100 * decision['floor']:.0f} %"), (LAST, "100 %")]
    return svg(bottom + 18, [*drawn, *axis(ticks, bottom + 12)])


def blocks(decision: Plain) -> str:
    """The variance explained at each place, the dictionary's own marked; nothing where only that was looked at."""
    found: dict[Block, float] = {
        EMBEDDING if block == EMBEDDING else int(block): value for block, value in decision["elsewhere"].items()
    }
    if len(found) < 2:
        return ""
    left, right, top, bottom = FIRST, LAST, 14, 74
    numbers = [block for block in found if isinstance(block, int)]
    first, last = min(numbers), max(numbers) + (EMBEDDING in found)

    def number(block: Block) -> int:
        return last if isinstance(block, str) else block  # the embedding comes after the last block

    def at(block: Block) -> tuple[float, float]:
        x = left + (number(block) - first) / (last - first) * (right - left)
        return x, bottom - max(0.0, found[block]) * (bottom - top)

    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(at, sorted(found, key=number)))
    drawn = [label("after each block", (top + bottom) / 2), rule(left, right, bottom), rule(left, right, top)]
    drawn.append(f'<path class="line" d="M{line}"/>')
    for block in sorted(found, key=number):
        x, y = at(block)
        own = block == decision["block"]
        drawn.append(
            f'<circle class="mark {"did" if own else "not"}" cx="{x:.1f}" cy="{y:.1f}" r="{4.5 if own else 3}">'
            f"<title>{cut_name(block)}: {escape(percent(found[block]))}</title></circle>"
        )
        name, look = (cut_name(block), "said") if own else (str(block), "tick")
        if own or abs(x - at(decision["block"])[0]) > _BESIDE:
            drawn.append(words(x, bottom + 15, name, "middle", look))
    drawn += [words(right + 12, y + 4, text, "start", "tick") for y, text in ((bottom, "0"), (top, "100 %"))]
    return svg(bottom + 20, drawn)


def deciles(shares: Sequence[float]) -> str:
    """How the error's share is spread over pictures: a mark at each decile, the middle half as a band."""
    most = max(0.1, *(share * 1.05 for share in shares))
    y, top = 20.0, min(1.0, most)

    def across(share: float) -> float:
        return FIRST + min(1.0, share / top) * (LAST - FIRST)

    drawn = [label("error's share", y), rule(FIRST, LAST, y)]
    drawn.append(f'<path class="band" d="M{across(shares[1]):.1f} {y}H{across(shares[9]):.1f}"/>')
    drawn += [
        f'<circle class="mark not" cx="{across(share):.1f}" cy="{y}" r="3"><title>{10 * at} % of the pictures have at '
        f"most {escape(percent(share))}</title></circle>"
        for at, share in enumerate(shares)
    ]
    drawn.append(f'<path class="value" d="M{across(shares[5]):.1f} {y - 9}v18"/>')
    drawn.append(beside(f"median {percent(shares[5])}", y))
    return svg(y + 30, [*drawn, *axis([(FIRST, "0"), (LAST, percent(top))], y + 24)])


def faithfulness(curves: Sequence[Plain], kind: str, title: str) -> str:
    """Mean scaled margins over the number of components put in (`insertion`) or taken out (`deletion`), per order."""
    left, right, top, bottom = 34, 210, 26, 150
    ks = curves[0]["ks"]

    def across(k: int) -> float:
        return left + log1p(k) / log1p(ks[-1]) * (right - left)

    every = [value for curve in curves for value in curve[kind] if value is not None]
    low, high = max(_LOWEST, min([-0.1, *every])), min(_HIGHEST, max([1.1, *every]))

    def up(value: float) -> float:
        return bottom - (min(high, max(low, value)) - low) / (high - low) * (bottom - top)

    drawn = [words(0, 12, title, "start", "head")]
    for value, text in ((0, "0"), (1, "1")):
        drawn += [rule(left, right, up(value)), words(left - 8, up(value) + 4, text, "end", "tick")]
    named: list[tuple[float, str, str]] = []
    for curve in curves:
        values = curve[kind]
        if any(value is None for value in values):
            continue
        line = "L".join(f"{across(k):.1f} {up(value):.1f}" for k, value in zip(ks, values, strict=True))
        drawn.append(f'<path class="order {curve["order"]}" d="M{line}"/>')
        named.append((up(values[-1]), str(curve["order"]), order_name(curve)))
    for y, (_, order, text) in zip(spread([one[0] for one in sorted(named)], bottom), sorted(named), strict=True):
        drawn.append(f'<path class="order {order}" d="M{right + 6} {y:.1f}h12"/>')
        drawn.append(words(right + 22, y + 4, text, "start", "tick"))
    drawn += [words(across(k), bottom + 14, str(k), "middle", "tick") for k in ks if k in (0, 1, 4, 16, 64)]
    return svg(bottom + 18, drawn, _PANEL)


def spread(wanted: Sequence[float], lowest: float) -> list[float]:
    """Heights for names that would lie on one another: a line apart, in their order, the last not below `lowest`."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + _LINE) if placed else y)
    for place in reversed(range(len(placed))):
        lowest = placed[place] = min(placed[place], lowest)
        lowest -= _LINE
    return placed


def areas(curves: Sequence[Plain]) -> str:
    """The area under each insertion curve with its bootstrap interval."""
    found = [curve for curve in curves if curve["insertion_area"]["value"] is not None]
    if not found:
        return ""
    spans = [curve["insertion_area"] for curve in found]
    low, high = min(0.0, *(span["low"] for span in spans)), max(1.0, *(span["high"] for span in spans))

    def across(value: float) -> float:
        return FIRST + (value - low) / (high - low) * (LAST - FIRST)

    drawn, y = list[str](), 16.0
    for curve, span in zip(found, spans, strict=True):
        drawn += [label(f"{order_name(curve)} order", y), rule(FIRST, LAST, y)]
        drawn.append(f'<path class="band" d="M{across(span["low"]):.1f} {y}H{across(span["high"]):.1f}"/>')
        drawn.append(f'<path class="value" d="M{across(span["value"]):.1f} {y - 8}v16"/>')
        drawn.append(beside(f"{span['value']:.2f}", y))
        y += 26
    ticks = [(across(value), f"{value:.2g}") for value in (0.0, 1.0, *([high] if high > 1.5 else []))]
    return svg(y + 8, [*drawn, *axis(ticks, y - 2)])
