"""A preset is a published model with its published dictionaries, and what was published of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core import hub
from core.types import Block, TillerError, TokenSet


@dataclass(frozen=True, slots=True)
class Figure:
    """What was published of a dictionary; `tolerance` is in the unit of `value`, and anything within it agrees."""

    value: float
    tolerance: float
    source: str


@dataclass(frozen=True, slots=True)
class Published:
    """One published dictionary; `by_hand` says where its file is had where no repository serves it."""

    wanted: hub.Wanted
    block: Block
    tokens: TokenSet
    by_hand: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preset:
    """A model as `core.sources.find_source` takes it, and the dictionaries made on it."""

    name: str
    title: str
    model: str
    pretrained: str | None
    dictionaries: Mapping[str, Published]

    @property
    def published(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The figures as `bundle.json` holds them, by dictionary and figure."""
        return {
            name: {
                figure: {"value": said.value, "tolerance": said.tolerance, "source": said.source}
                for figure, said in one.figures.items()
            }
            for name, one in self.dictionaries.items()
            if one.figures
        }


def find_preset(presets: Mapping[str, Preset], name: str) -> Preset:
    """The preset of that name, or a refusal that lists them."""
    if name not in presets:
        raise TillerError(f"Preset '{name}' was asked for; there are {', '.join(presets)}: name one of them.")
    return presets[name]
