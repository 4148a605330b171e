"""What is known of each component of a dictionary over an image set, one card at a time, whatever file it is in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from core.component import Component
from core.indexing.layout import IndexFile, no_index, opening_of
from core.types import Scope, TillerError

if TYPE_CHECKING:  # an index is looked into without a model, and torch takes seconds to import
    from core.model import Clip
    from core.sae import SparseAutoencoder

LONGEST_LIST = 1 << 26  # bytes of a JSON list: the demo's has 1 MB
SHOWN = 9  # of a component's strongest images, those on its card
_NEVER = "never active"


class Index(Sequence[Component]):
    """Cards by component, made when they are asked for; a slice is a tuple of cards.

    `file` is what they are read from where `tiller index build` wrote it, None for a list of cards.
    """

    def __init__(self, size: int, card: Callable[[int], Component], file: IndexFile | None = None) -> None:
        self._size, self._card, self.file = size, card, file

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, component: int) -> Component: ...
    @overload
    def __getitem__(self, component: slice) -> tuple[Component, ...]: ...
    def __getitem__(self, component: int | slice) -> Component | tuple[Component, ...]:
        if isinstance(component, slice):
            return tuple(self._card(each) for each in range(*component.indices(self._size)))
        if not -self._size <= component < self._size:
            raise IndexError(component)
        return self._card(component % self._size)

    def get(self, component: int) -> Component | None:
        """The card of `component`; None where nothing is known of it."""
        return self[component] if 0 <= component < self._size else None

    def named(self, component: int) -> str:
        """What `component` is called; "" where nothing is known of it."""
        card = self.get(component)
        return card.label if card else ""

    def with_unit(self, scope: Scope) -> int:
        """How many components have a p99 under `scope`."""
        if self.file is None:
            return sum(card.unit(scope) > 0 for card in self)
        return int((self.file["p99"] > 0).sum())

    def pictures(self) -> set[str]:
        """The file names of all exemplars of all cards."""
        if self.file is None:
            return {
                name for card in self for name in (*card.exemplars_top, *card.exemplars_middle, *card.exemplars_low)
            }
        shown = (self.file["top_images"][:, :SHOWN], self.file["middle_images"], self.file["low_images"])
        places = np.unique(np.concatenate([each.ravel() for each in shown]))
        files = self.file.texts("files")
        return {files[place] for place in places.tolist() if place >= 0}

    def check(self, sae: SparseAutoencoder) -> None:
        """Refuse an index of another dictionary, in one sentence, as far as it says of which it is."""
        said = self.file.heading["dictionary"]["sha256"] if self.file is not None else sae.digest
        if said != sae.digest:
            where = self.file.path if self.file else "The index"
            raise TillerError(
                f"{where} was built with dictionary of digest {said[:12]}, and this one is of {sae.digest[:12]}; "
                "name the dictionary that it was built with, or build it again."
            )

    def check_model(self, model: Clip) -> None:
        """Refuse a model other than the one that the index was built with, as far as it says which that was."""
        said = self.file.heading["model"] if self.file is not None else {"sha256": model.digest}
        if said["sha256"] != model.digest:
            where = self.file.path if self.file else "The index"
            raise TillerError(
                f"{where} was built with {said['name']}, its weights of the digest {said['sha256'][:12]}, and those of "
                f"this {model.name} have {model.digest[:12]}; name the model that it was built with."
            )


def index_of(cards: Sequence[Component]) -> Index:
    """The index of cards in hand."""
    return Index(len(cards), cards.__getitem__)


NOTHING = index_of(())


def read_index(path: Path) -> Index:
    """The index in `path`: what `tiller index build` wrote, or the cards of a small set as a JSON list.

    Raises:
        MissingArtefact: there is no such file.
        TillerError: it is damaged, cut short, of another version, or no index.
    """
    opening = opening_of(path)
    if opening == "file":
        file = IndexFile(path)
        return Index(file.heading["dictionary"]["components"], lambda component: _card(file, component), file)
    if opening != "list" or path.stat().st_size > LONGEST_LIST:
        raise no_index(path)
    try:
        return index_of(tuple(_said(row) for row in json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, TypeError, AttributeError, RecursionError) as wrong:
        raise no_index(path) from wrong


def _card(file: IndexFile, component: int) -> Component:
    """One row of every array."""
    words, files = file.texts("words"), file.texts("files")

    def number(name: str) -> float:
        return float(file[name][component]) if name in file else math.nan

    def pictures(name: str) -> tuple[str, ...]:
        return tuple(files[place] for place in file[name][component].tolist() if place >= 0)

    def near(name: str, value: str) -> tuple[tuple[int, float], ...]:
        pairs = zip(file[name][component].tolist(), file[value][component].tolist(), strict=True)
        return tuple((other, score) for other, score in pairs if other >= 0)

    def counts(name: str) -> tuple[int, ...]:
        return tuple(file[name][component].tolist()) if name in file else ()

    names = [(words[word], score) for word, score in near("name_words", "name_scores")]
    density = number("density")
    label, score = names[0] if names else ("no name" if density else _NEVER, math.nan)
    return Component(
        index=component,
        label=label,
        label_score=score,
        density=density,
        p99=number("p99"),
        p99_class=number("p99_class"),
        p99_patch=number("p99_patches"),
        exemplars_top=pictures("top_images")[:SHOWN],
        exemplars_middle=pictures("middle_images"),
        exemplars_low=pictures("low_images"),
        density_tokens=number("density_tokens"),
        density_class=number("density_class"),
        density_patches=number("density_patches"),
        maximum=number("maximum"),
        clarity=number("clarity"),
        monosemanticity=number("monosemanticity"),
        runner_ups=tuple(names[1:]),
        neighbours=near("neighbours", "neighbour_cosines"),
        partners=near("partners", "partner_scores"),
        histogram_class=counts("histogram_class"),
        histogram_patches=counts("histogram_patches"),
    )


def _said(row: dict[str, Any]) -> Component:
    """A card of a JSON list, where null stands for NaN and a list for a tuple."""
    plain = {field.name for field in fields(Component)} - {"label", "follows", "index"}
    values: dict[str, Any] = {name: _held(value) for name, value in row.items()}
    values |= {name: math.nan for name, value in values.items() if value is None and name in plain}
    return Component(**values)


def _held(value: Any) -> Any:
    return tuple(_held(each) for each in value) if isinstance(value, list) else value
