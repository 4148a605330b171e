"""Cards of the demo's components, whose pictures have known causes: what each fires at, and what it follows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from core.codes import Codes
from core.component import Component
from core.demo.relations import Relations, histogram_of

FIELDS = (
    "index",
    "label",
    "label_score",
    "density",
    "p99",
    "p99_class",
    "p99_patch",
    "exemplars_top",
    "exemplars_middle",
    "exemplars_low",
    "follows",
    "auc",
    "density_tokens",
    "density_class",
    "density_patches",
    "maximum",
    "clarity",
    "monosemanticity",
    "runner_ups",
    "neighbours",
    "partners",
    "histogram_class",
    "histogram_patches",
)
BANDS = (9, 6, 6)  # exemplars from the top, the middle and the low end of the pictures in which a component fires
RUNNER_UPS = 4
UNCLEAR = 0.70  # below this area under the curve no concept names a component
PLAIN = 0.5  # of its top pictures must show what it is named after, or its name says that there are others


def component_statistics(
    codes: Codes,
    names: Sequence[str],
    *,
    concepts: Mapping[str, Sequence[bool]] | None = None,
    relations: Relations | None = None,
) -> tuple[Component, ...]:
    """One card per component of the dictionary, those that never fire included (density 0).

    A picture's strength is the component's greatest code over its tokens, and 0 where it does not fire.

    Args:
        codes: of the whole set, one image per name.
        names: file names, in the order of the codes.
        concepts: what is known to be in the pictures, one flag per picture; a component follows the concept whose
            presence its strength ranks best (area under the ROC curve), before all one that its top pictures show.
        relations: what the same pictures say of the components beside one another.
    """
    images, tokens, width = codes.shape
    if len(names) != images:
        raise ValueError(f"{len(names)} names for {images} images; there must be one per image.")
    strengths = peaks(codes)
    curves, order = areas(strengths, concepts or {})
    shown = _shown(strengths, [(concepts or {})[name] for name in order])
    values, components, rows = codes.values.numpy(), codes.components.numpy(), codes.rows.numpy()
    on_class = rows % tokens == 0
    edges = np.searchsorted(components, np.arange(width + 1))
    cards = []
    for index in range(width):
        span = slice(edges[index], edges[index + 1])
        own, at_class = values[span], on_class[span]
        top, middle, low = _exemplars(strengths[:, index], names)
        follows, area, plain = _followed(curves[:, index], shown[:, index], order)
        others = _others(curves[:, index], order, follows) if len(own) else ()
        cards.append(
            Component(
                index=index,
                label=_name(follows, area, plain) if len(own) else "never active",
                label_score=area,
                density=float((strengths[:, index] > 0).mean()) if images else 0.0,
                p99=_p99(own),
                p99_class=_p99(own[at_class]),
                p99_patch=_p99(own[~at_class]),
                exemplars_top=top,
                exemplars_middle=middle,
                exemplars_low=low,
                follows=follows if area >= UNCLEAR else "",
                auc=area,
                maximum=float(own.max()) if len(own) else 0.0,
                runner_ups=others if follows else (),
                **_spread(own, at_class, (images, tokens)),
                **(relations.of(index) if relations else {}),
            )
        )
    return tuple(cards)


def peaks(codes: Codes) -> np.ndarray:
    """The greatest code of each component in each image over its tokens, (images, components); 0 where it is off."""
    images, tokens, width = codes.shape
    strongest = np.zeros((images, width), np.float32)
    np.maximum.at(strongest, (codes.rows.numpy() // tokens, codes.components.numpy()), codes.values.numpy())
    return strongest


def areas(strengths: np.ndarray, concepts: Mapping[str, Sequence[bool]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Area under the ROC curve of each component for each concept, (concepts, components), ties counted half.

    From rank sums (Mann and Whitney): (R - n(n + 1) / 2) / (n m), with R the ranks of the n pictures that show the
    concept among n + m. Concepts in all pictures or in none are left out.
    """
    kept = {name: np.asarray(flags, bool) for name, flags in concepts.items() if 0 < sum(flags) < len(flags)}
    if not kept:
        return np.zeros((0, strengths.shape[1])), ()
    flags = np.stack(list(kept.values()))
    shown = flags.sum(1, keepdims=True)
    ranks = flags.astype(np.float64) @ rankdata(strengths, axis=0)
    return (ranks - shown * (shown + 1) / 2) / (shown * (flags.shape[1] - shown)), tuple(kept)


def concept_name(concept: str) -> str:
    """`object:boat` as people read it."""
    kind, _, what = concept.partition(":")
    match kind:
        case "word":
            return f"printed word “{what}”" if what else "a printed word"
        case "badge":
            return "corner badge"
        case _:
            return f"{kind}: {what}" if what else kind


def write_index(cards: Sequence[Component], path: Path) -> None:
    """The `FIELDS` of the cards as one JSON file, numbers to six digits; NaN is written as null."""
    rows = [{name: _plain(getattr(card, name)) for name in FIELDS} for card in cards]
    path.write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def _spread(own: np.ndarray, at_class: np.ndarray, shape: tuple[int, int]) -> dict[str, Any]:
    """How often a component fires at the class token, at patches and at all, and its codes in bins."""
    images, tokens = shape
    on_class, elsewhere = own[at_class], own[~at_class]
    found: dict[str, Any] = {
        "density_tokens": len(own) / max(1, images * tokens),
        "density_class": len(on_class) / max(1, images),
        "histogram_class": histogram_of(on_class),
    }
    if tokens > 1:
        found["density_patches"] = len(elsewhere) / max(1, images * (tokens - 1))
        found["histogram_patches"] = histogram_of(elsewhere)
    return found


def _p99(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.99)) if len(values) else math.nan


def _shown(strengths: np.ndarray, flags: Sequence[Sequence[bool]]) -> np.ndarray:
    """The share of each component's top pictures that show each concept, (concepts, components)."""
    order = np.argsort(-strengths, axis=0, kind="stable")[: BANDS[0]]
    fires = np.take_along_axis(strengths, order, axis=0) > 0
    counts = np.stack([(np.asarray(one, bool)[order] & fires).sum(0) for one in flags]) if flags else np.zeros((0, 1))
    return counts / np.maximum(1, fires.sum(0))


def _followed(areas: np.ndarray, shown: np.ndarray, order: Sequence[str]) -> tuple[str, float, bool]:
    """The concept that a component follows, its area, and whether its top pictures show it."""
    if not order:
        return "", math.nan, False
    clear = (areas >= UNCLEAR) & (shown >= PLAIN)
    best = int(np.where(clear, areas, -1.0).argmax()) if clear.any() else int(areas.argmax())
    return order[best], float(areas[best]), bool(clear[best])


def _others(areas: np.ndarray, order: Sequence[str], follows: str) -> tuple[tuple[str, float], ...]:
    """The concepts that its strength ranks best besides the one that names it, with their areas."""
    ranked = sorted(range(len(order)), key=lambda place: -areas[place])
    return tuple((concept_name(order[at]), float(areas[at])) for at in ranked if order[at] != follows)[:RUNNER_UPS]


def _name(follows: str, area: float, plain: bool) -> str:
    if not area >= UNCLEAR:
        return "unclear"
    return concept_name(follows) if plain else f"{concept_name(follows)} and others"


def _exemplars(strength: np.ndarray, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Names from the top, the middle and the low end, strongest first; no picture is shown twice."""
    firing = [int(image) for image in np.argsort(-strength, kind="stable") if strength[image] > 0]
    top, rest = firing[: BANDS[0]], firing[BANDS[0] :]
    low = rest[max(0, len(rest) - BANDS[2]) :]
    left = rest[: len(rest) - len(low)]
    start = max(0, (len(left) - BANDS[1]) // 2)
    middle = left[start : start + BANDS[1]]
    return tuple(tuple(names[image] for image in band) for band in (top, middle, low))


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value
