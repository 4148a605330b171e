"""What is known of each component over an image set: how often and where it fires, how strongly, what it follows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from core.codes import Codes
from core.types import Component, MissingArtefact

BANDS = (9, 6, 6)  # exemplars from the top, the middle and the low end of the pictures in which a component fires
UNCLEAR = 0.70  # below this area under the curve no concept names a component


def component_statistics(
    codes: Codes, names: Sequence[str], *, concepts: Mapping[str, Sequence[bool]] | None = None
) -> tuple[Component, ...]:
    """One card per component of the dictionary, those that never fire included (density 0).

    A picture's strength is the component's greatest code over its tokens, and 0 where it does not fire.

    Args:
        codes: of the whole set, one image per name.
        names: file names, in the order of the codes.
        concepts: what is known to be in the pictures, one flag per picture; a component follows the concept whose
            presence its strength ranks best (area under the ROC curve).
    """
    images, tokens, width = codes.shape
    if len(names) != images:
        raise ValueError(f"{len(names)} names for {images} images; there must be one per image.")
    strengths = peaks(codes)
    curves, order = areas(strengths, concepts or {})
    values, components, rows = codes.values.numpy(), codes.components.numpy(), codes.rows.numpy()
    on_class = rows % tokens == 0
    edges = np.searchsorted(components, np.arange(width + 1))
    cards = []
    for index in range(width):
        span = slice(edges[index], edges[index + 1])
        own, at_class = values[span], on_class[span]
        top, middle, low = _exemplars(strengths[:, index], names)
        follows, area = _followed(curves, order, index)
        cards.append(
            Component(
                index=index,
                label=concept_name(follows) if area >= UNCLEAR else ("never active" if not len(own) else "unclear"),
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
            return f"printed word “{what}”"
        case "badge":
            return "corner badge"
        case _:
            return f"{kind}: {what}" if what else kind


def write_index(cards: Sequence[Component], path: Path) -> None:
    """The cards as one JSON file, numbers to six digits; NaN is written as null."""
    rows = [{name: _plain(value) for name, value in asdict(card).items()} for card in cards]
    path.write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def read_index(path: Path) -> tuple[Component, ...]:
    """The cards that `write_index` wrote."""
    if not path.is_file():
        raise MissingArtefact(f"No index at {path}; build the bundle again, `tiller demo build` for the demo.")
    lists = {field.name for field in fields(Component) if field.name.startswith("exemplars")}
    numbers = {"label_score", "density", "p99", "p99_class", "p99_patch", "auc"}
    cards = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        said: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in row.items()}
        said |= {name: math.nan if said[name] is None else said[name] for name in numbers & said.keys()}
        cards.append(Component(**said))
    return tuple(cards)


def _p99(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.99)) if len(values) else math.nan


def _followed(curves: np.ndarray, order: tuple[str, ...], index: int) -> tuple[str, float]:
    if not order:
        return "", math.nan
    best = int(curves[:, index].argmax())
    return order[best], float(curves[best, index])


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
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value
