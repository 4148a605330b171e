"""Components by what they show: those whose strongest images lie nearest to a text, within bounds; no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.index import Index
from core.indexing.layout import IndexFile
from core.types import TillerError

_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Bounds, all inclusive, within which components are listed; one without the number asked about is left out.

    `class_share` is the share of a component's codes above 0 that are at the class token.
    """

    min_density: float | None = None
    max_density: float | None = None
    min_clarity: float | None = None
    min_monosemanticity: float | None = None
    min_class_share: float | None = None
    max_class_share: float | None = None

    def kept(self, index: Index) -> np.ndarray:
        """Which components are within all of the bounds."""
        kept = np.ones(len(index), bool)
        for _, _, within in self._each(file_of(index)):
            kept &= within
        return kept

    def counts(self, index: Index) -> dict[str, int]:
        """How many of the components that fire at all are within each bound that was given, by the bound's name."""
        file = file_of(index)
        return {name: int((within & (file["density"] > 0)).sum()) for name, _, within in self._each(file)}

    def _each(self, file: IndexFile) -> Iterator[tuple[str, float, np.ndarray]]:
        values = {name: file[name] for name in ("density", "clarity", "monosemanticity")}
        values["class_share"] = class_share(file)
        for name, value in values.items():
            for end in ("min", "max"):
                bound = getattr(self, f"{end}_{name}", None)
                if bound is not None:
                    yield f"{end}_{name}", bound, value >= bound if end == "min" else value <= bound


@dataclass(frozen=True, slots=True)
class Match:
    """A component found. A text's `score` is a difference of cosines; a move's is logits per unit of code.

    `cosine` is that with the text itself, before that with the empty prompt is taken off; NaN for a move. `per_p99` is
    the score for a code of the component's `p99`, in logits; NaN where a text was looked for. `image` is the strongest.
    """

    component: int
    label: str
    score: float
    cosine: float
    per_p99: float
    p99: float
    density: float
    clarity: float
    monosemanticity: float
    class_share: float
    image: str


def by_text(
    index: Index,
    query: str,
    encode: Callable[[str], np.ndarray],
    *,
    filters: Filters | None = None,
    top: int = 20,
) -> tuple[Match, ...]:
    """The components whose strongest images lie nearest to a text: cos(e_i, text) - cos(e_i, text("")).

    Args:
        encode: the unit vector of a text that is not in the index's own vocabulary, whose vectors are kept; see
            `core.moves.encoded`.
    """
    file = file_of(index)
    place = word_of(index, query)
    wanted = encode(query) if place is None else file["word_vectors"][1 + place]
    means = file["exemplar_mean"]
    cosines = np.full((2, len(index)), np.nan, np.float32)
    for first in range(0, len(means), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        length = np.linalg.norm(means[part], axis=1)
        known = length > 0
        for row, vector in zip(cosines, (wanted, file["word_vectors"][0]), strict=True):
            row[part][known] = means[part][known] @ vector / length[known]
    return matches_of(index, cosines[0] - cosines[1], None, filters, top, cosines=cosines[0])


def word_of(index: Index, query: str) -> int | None:
    """The place of a word in the index's vocabulary, whatever its letter case; None where it is not there."""
    wanted = query.strip().casefold()
    return next((at for at, word in enumerate(file_of(index).texts("words")) if word.casefold() == wanted), None)


def class_share(file: IndexFile) -> np.ndarray:
    """The share of each component's codes above 0 that are at the class token; NaN where it never fires."""
    none = np.zeros(len(file["density"]))
    at_class, at_patches = (file.get(f"codes_{one}", none) for one in ("class", "patches"))
    total = at_class + at_patches
    return np.where(total > 0, at_class / np.maximum(1, total), np.nan)


def matches_of(
    index: Index,
    scores: np.ndarray,
    per_p99: np.ndarray | None,
    filters: Filters | None,
    top: int,
    *,
    cosines: np.ndarray | None = None,
) -> tuple[Match, ...]:
    """The best of the components that fire and are within the bounds, by score for a p99 where there is one.

    Those without clarity come last: they fire in one picture, and what that one shows says little of a component.
    """
    file = file_of(index)
    ranked = scores if per_p99 is None else per_p99
    kept = np.isfinite(ranked) & (filters or Filters()).kept(index) & (file["density"] > 0)
    places = np.flatnonzero(kept)
    alone = np.isnan(file["clarity"][places])
    best = places[np.lexsort((places, -ranked[places], alone))[:top]]
    share, nan = class_share(file), float("nan")
    found: list[Match] = []
    for component in best.tolist():
        card = index[component]
        found.append(
            Match(
                component=component,
                label=card.label,
                score=float(scores[component]),
                cosine=nan if cosines is None else float(cosines[component]),
                per_p99=nan if per_p99 is None else float(per_p99[component]),
                p99=card.p99,
                density=card.density,
                clarity=card.clarity,
                monosemanticity=card.monosemanticity,
                class_share=float(share[component]),
                image=card.exemplars_top[0] if card.exemplars_top else "",
            )
        )
    return tuple(found)


def file_of(index: Index) -> IndexFile:
    """The file of an index; a list of cards, which keeps no embeddings, is refused."""
    if index.file is None:
        raise TillerError(
            "A search was asked for in a JSON list of cards, which keeps no embeddings; make an index with "
            "`tiller index build`."
        )
    return index.file
