"""A preset is fetched by one name, and opened without a network after that."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import constants

from core import hub
from core.checksum import checksum_of, refuse_changed
from core.presets import Preset
from core.types import MissingArtefact

if TYPE_CHECKING:
    from core.sources import Source


@dataclass(frozen=True, slots=True)
class Fetched:
    """A preset on this machine: where the model is, and for each dictionary its file, or the folder of its files."""

    preset: Preset
    model: Source
    dictionaries: Mapping[str, Path]

    @property
    def weights(self) -> str | Path:
        """What names the weights, beside the preset's model: the tag, or the file."""
        return self.model.weights if self.preset.pretrained is None else self.preset.pretrained


def fetch_preset(preset: Preset, progress: hub.Progress = lambda what, done, of: None) -> Fetched:
    """All that a preset names, fetched as far as it is not here, and written down with the checksums of its files.

    Raises:
        MissingArtefact: something is neither here nor to be had; the sentence says what to put where.
    """
    try:
        found = {name: hub.fetch(one.wanted, progress) for name, one in preset.dictionaries.items() if not one.by_hand}
        source = _source(preset, preset.pretrained, progress)
    except hub.Unreached as refused:
        raise _lacking(
            preset, f"{refused.why}; run this again where there is a network, or put these files there by hand:"
        ) from refused
    refuse_changed(source.weights)
    for name, one in preset.dictionaries.items():
        if name not in found:
            there = hub.find(one.wanted)
            if there is None:
                raise _lacking(preset, "a part of it is served by no repository; put it there by hand:")
            found[name] = there
    found = {name: found[name] for name in preset.dictionaries}
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
            if was not in (None, checksum_of(path)):
                raise MissingArtefact(
                    f"{path} is not the file that was fetched for preset {preset.name}; delete {path.resolve()} and "
                    f"run `tiller fetch {preset.name}`."
                )
        found[name] = there
    source = _source(preset, said["model"]["weights"] if preset.pretrained is None else preset.pretrained)
    return Fetched(preset, source, {name: _place(one) for name, one in found.items()})


def _source(preset: Preset, weights: str | None, progress: hub.Progress = lambda what, done, of: None) -> Source:
    from core.sources import find_source  # noqa: PLC0415 - open_clip is slow, and a refusal need not wait for it

    return find_source(preset.model, weights, progress)


def _lacking(preset: Preset, why: str) -> MissingArtefact:
    """All that is not here in a line each, after the one reason."""
    if preset.model.startswith(hub.HUB):
        model = hub.wanted_model(preset.model)
    else:
        from core.sources import wanted_of  # noqa: PLC0415 - as above

        model = wanted_of(preset.model, preset.pretrained)
    every = [(model, ""), *((one.wanted, one.by_hand) for one in preset.dictionaries.values())]
    lines = [
        f"  {one.in_words}, {f'from {place}' if place else f'of {one.repo}'}, into {hub.hand_folder(one.repo)}"
        for one, place in every
        if hub.find(one) is None
    ]
    return MissingArtefact("\n".join([f"Preset {preset.name} is not whole: {why}", *lines]))


def _place(found: hub.Found) -> Path:
    """The one file, or the folder that its several files lie in."""
    return found.files[0] if len(found.files) == 1 else Path(os.path.commonpath(found.files))


def _record(preset: Preset) -> Path:
    return Path(constants.HF_HOME) / "tiller" / "fetched" / f"{preset.name}.json"


def _write_down(preset: Preset, source: Source, found: Mapping[str, hub.Found]) -> None:
    said = {
        "preset": preset.name,
        "model": {"name": preset.model, "weights": str(source.weights), "sha256": checksum_of(source.weights)},
        "dictionaries": {
            name: {
                "repo": one.repo,
                "commit": one.commit,
                "sha256": {path.name: checksum_of(path) for path in one.files},
            }
            for name, one in found.items()
        },
    }
    record = _record(preset)
    record.parent.mkdir(parents=True, exist_ok=True)
    draft = record.with_suffix(".part")
    draft.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    draft.replace(record)
