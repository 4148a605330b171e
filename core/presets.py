"""A preset is a published model with its published dictionaries, fetched by one name and opened without a network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from core import hub
from core.convention import TokenSet
from core.sources import Source, find_source, wanted_of
from core.types import MissingArtefact, TillerError


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
    block: int
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


@dataclass(frozen=True, slots=True)
class Fetched:
    """A preset on this machine: where the model is, and for each dictionary its file, or the folder of its files."""

    preset: Preset
    model: Source
    dictionaries: Mapping[str, Path]


def fetch_preset(preset: Preset, progress: hub.Progress = lambda what, done, of: None) -> Fetched:
    """All that a preset names, fetched as far as it is not here, and written down with the digests of its files.

    Raises:
        MissingArtefact: something is neither here nor to be had; the sentence says what to put where.
    """
    try:
        source = find_source(preset.model, preset.pretrained, progress)
        hub.refuse_changed(source.weights)
        found = {name: _brought(one, progress) for name, one in preset.dictionaries.items()}
    except MissingArtefact as lacking:
        model = wanted_of(preset.model, preset.pretrained)
        every = [model, *(one.wanted for one in preset.dictionaries.values())]
        places = [f"{one.in_words} into {hub.hand_folder(one.repo)}" for one in every if hub.find(one) is None]
        raise MissingArtefact(
            f"Preset {preset.name} is not whole: {lacking} To do all of it by hand, put {'; '.join(places)}."
        ) from lacking
    _write_down(preset, source, found)
    return Fetched(preset, source, {name: _place(one) for name, one in found.items()})


def open_preset(preset: Preset) -> Fetched:
    """The same with no network asked, and each dictionary's file compared with what was written down.

    Raises:
        MissingArtefact: it was not fetched, or a file has changed since.
    """
    record = _record(preset)
    if not record.is_file():
        raise MissingArtefact(f"Preset {preset.name} was never fetched here; run `tiller fetch {preset.name}`.")
    said = json.loads(record.read_text(encoding="utf-8"))
    found: dict[str, hub.Found] = {}
    for name, one in preset.dictionaries.items():
        there = hub.find(one.wanted)
        if there is None:
            raise MissingArtefact(
                f"Dictionary {name} of preset {preset.name} is no longer here; run `tiller fetch {preset.name}`."
            )
        for path in there.files:
            was = said["dictionaries"].get(name, {}).get("sha256", {}).get(path.name)
            if was not in (None, hub.file_digest(path)):
                raise MissingArtefact(
                    f"{path} is not the file that was fetched for preset {preset.name}; delete {path.resolve()} and "
                    f"run `tiller fetch {preset.name}`."
                )
        found[name] = there
    source = find_source(preset.model, said["model"]["weights"] if preset.pretrained is None else preset.pretrained)
    return Fetched(preset, source, {name: _place(one) for name, one in found.items()})


def _brought(one: Published, progress: hub.Progress) -> hub.Found:
    if not one.by_hand:
        return hub.fetch(one.wanted, progress)
    found = hub.find(one.wanted)
    if found is None:
        raise MissingArtefact(
            f"{one.wanted.in_words} is served by no repository; take it from {one.by_hand}, and put it at "
            f"{hub.hand_folder(one.wanted.repo) / one.wanted.groups[0][0]}."
        )
    return found


def _place(found: hub.Found) -> Path:
    """The one file, or the folder that its several files lie in."""
    return found.files[0] if len(found.files) == 1 else Path(os.path.commonpath(found.files))


def _record(preset: Preset) -> Path:
    return Path(constants.HF_HOME) / "tiller" / "fetched" / f"{preset.name}.json"


def _write_down(preset: Preset, source: Source, found: Mapping[str, hub.Found]) -> None:
    said = {
        "preset": preset.name,
        "model": {"name": preset.model, "weights": str(source.weights), "sha256": hub.file_digest(source.weights)},
        "dictionaries": {
            name: {
                "repo": one.repo,
                "commit": one.commit,
                "sha256": {path.name: hub.file_digest(path) for path in one.files},
            }
            for name, one in found.items()
        },
    }
    record = _record(preset)
    record.parent.mkdir(parents=True, exist_ok=True)
    draft = record.with_suffix(".part")
    draft.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    draft.replace(record)


def find_preset(presets: Mapping[str, Preset], name: str) -> Preset:
    """The preset of that name, or a refusal that lists them."""
    if name not in presets:
        raise TillerError(f"Preset '{name}' was asked for; there are {', '.join(presets)}: name one of them.")
    return presets[name]
