"""Asking a dictionary: its components by a word, by a region of the picture in hand, by what they would do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from core.bundle import Bundle
from core.codes import Codes
from core.index import Index
from core.model import Clip
from core.moves import pull_of
from core.ripple import ReferenceSet
from core.types import Scope
from core.zeroshot import text_vectors

FOUND = 12
STRONGEST = 20  # pictures whose embeddings' mean stands for what a component shows
_ROWS_AT_ONCE = 8192


def named_like(index: Index, given: Mapping[int, str], word: str) -> tuple[int, ...]:
    """The components whose name has `word` in it, whatever its letter case; where names are `given`, in those.

    Those that are called exactly so come first, then by how well the name fits.
    """
    wanted = word.strip().casefold()
    names = {component: name for component, name in _names(index, wanted) if component not in given}
    names |= {component: name for component, name in given.items() if wanted in name.casefold()}

    def place(component: int) -> tuple[bool, float, int]:
        fit = index[component].label_score if component < len(index) else 0.0
        return names[component].casefold() != wanted, -fit if math.isfinite(fit) else 0.0, component

    return tuple(sorted(names, key=place))


def numbered(index: Index, word: str) -> tuple[int, ...]:
    """The component whose number `word` is, as `726` or `#726`; none where it is not one of the dictionary's."""
    digits = word.strip().removeprefix("#")
    known = digits.isascii() and digits.isdecimal() and len(digits) < 10 and index.get(int(digits)) is not None
    return (int(digits),) if known else ()


def shown_like(bundle: Bundle, means: np.ndarray, word: str, top: int = FOUND) -> tuple[int, ...]:
    """The components whose strongest pictures lie nearest to a text: cos(e, text) - cos(e, text(""))."""
    model = bundle.model
    empty, wanted = (
        text_vectors(model.network, model.tokenizer, (text,), ("{}",))[0].float().cpu().numpy() for text in ("", word)
    )
    scores = np.full(len(means), -np.inf, np.float32)
    for first in range(0, len(means), _ROWS_AT_ONCE):
        part = np.asarray(means[first : first + _ROWS_AT_ONCE], np.float32)
        length = np.linalg.norm(part, axis=1)
        scores[first : first + len(part)] = np.where(
            length > 0, part @ (wanted - empty) / np.where(length > 0, length, 1.0), -np.inf
        )
    return _best(scores, top)


def means_of(bundle: Bundle) -> np.ndarray:
    """The mean embedding of each component's strongest pictures: the index's, else of the reference set's pictures."""
    file = bundle.index.file
    return exemplar_means(bundle.reference) if file is None else file["exemplar_mean"]


def exemplar_means(reference: ReferenceSet) -> np.ndarray:
    """The same over a reference set; 0 where a component never fires in it."""
    pictures, tokens, size = reference.codes.shape
    strengths = np.zeros((pictures, size), np.float32)
    codes = reference.codes
    np.maximum.at(strengths, (codes.rows.numpy() // tokens, codes.components.numpy()), codes.values.numpy())
    unit = torch.nn.functional.normalize(reference.embeddings.float(), dim=-1).cpu().numpy()
    order = np.argsort(-strengths, axis=0, kind="stable")[:STRONGEST]
    fires = np.take_along_axis(strengths, order, axis=0) > 0
    means = np.zeros((size, unit.shape[1]), np.float32)
    for rank in range(len(order)):
        means += fires[rank][:, None] * unit[order[rank]]
    return means / np.maximum(1, fires.sum(0))[:, None]


def active_in(codes: Codes, index: Index, patches: Iterable[int], top: int = FOUND) -> tuple[int, ...]:
    """The components with the greatest codes in these patches of a picture, summed, in multiples of their p99.

    Counted so, one that is strong in every picture does not hide one that is strong for itself.
    """
    wanted = torch.tensor(sorted(set(patches)), dtype=codes.rows.dtype) + 1
    totals = codes.where(torch.isin(codes.rows, wanted) & (codes.values > 0)).totals()
    shares: dict[int, float] = {}
    for component, total in totals.items():
        card = index.get(component)
        unit = card.unit(Scope.PATCHES) if card else float("nan")
        if unit > 0:
            shares[component] = total / unit
    return tuple(sorted(shares, key=lambda component: (-shares[component], component))[:top])


def moving(bundle: Bundle, model: Clip, origin: str, target: str, top: int = FOUND) -> tuple[int, ...]:
    """The components that would most move the answer from `origin` to `target`: w . h times p99, greatest first.

    h is `core.moves.pull_of` at the mean activation of the reference set, as `tiller index search` ranks by it.

    Args:
        model: with the labels that are chosen from.
    """
    places = [model.labels.index(label) for label in (target, origin)]
    direction = pull_of(model, bundle.sae, bundle.reference.activations.mean(dim=0, keepdim=True), *places)
    scores = (bundle.sae.dictionary.detach() @ direction.to(bundle.sae.dictionary)).cpu().numpy()
    return _best(scores * np.nan_to_num(_p99(bundle.index)), top, above=0.0)


def _names(index: Index, wanted: str) -> Iterable[tuple[int, str]]:
    """Components by their own name, where it has `wanted` in it."""
    file = index.file
    if file is None:
        return ((card.index, card.label) for card in index if wanted in card.label.casefold())
    words = file.texts("words")
    near = {place: word for place, word in enumerate(words) if wanted in word.casefold()}
    first = file["name_words"][:, 0]
    return ((int(each), near[int(first[each])]) for each in np.flatnonzero(np.isin(first, list(near))))


def _p99(index: Index) -> np.ndarray:
    return np.array([card.p99 for card in index]) if index.file is None else np.asarray(index.file["p99"])


def _best(scores: np.ndarray, top: int, above: float = -np.inf) -> tuple[int, ...]:
    places = np.flatnonzero(scores > above)
    best: Sequence[int] = places[np.lexsort((places, -scores[places]))[:top]].tolist()
    return tuple(best)
