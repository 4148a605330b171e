"""What a bundle says of itself, read without a model: its parts by name, and the options that name parts by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.types import MissingArtefact, TillerError

FORMAT, VERSION = "tiller-bundle", 1
_PARTS = {"model": dict, "dictionaries": dict, "labels": list, "templates": list, "reference": dict, "sha256": dict}


def read_description(folder: Path) -> dict[str, Any]:
    """What `bundle.json` says; whether its files are whole, `core.bundle.description_of` finds out.

    Raises:
        MissingArtefact: there is no such file.
        TillerError: it is no JSON, or of another format or version.
    """
    path = folder / "bundle.json"
    if not path.is_file():
        raise MissingArtefact(f"No bundle at {path}; run `tiller demo build`, or name the folder of another bundle.")
    said = read_json(path)
    if not isinstance(said, dict) or said.get("format") != FORMAT or said.get("version") != VERSION:
        said = said if isinstance(said, dict) else {}
        raise TillerError(
            f"{path} says format {said.get('format')!r}, version {said.get('version')!r}; this reads {FORMAT!r}, "
            f"version {VERSION}: make the bundle again."
        )
    wrong = [name for name, kind in _PARTS.items() if not isinstance(said.get(name), kind) or not said[name]]
    if wrong:
        raise TillerError(f"{path} was to say what the bundle holds, and lacks {', '.join(wrong)}; make it again.")
    return said


def dictionary_in(folder: Path, which: str | None, *, home: str) -> str:
    """The name of one of a bundle's dictionaries: `which`, else `home`, else its first.

    Raises:
        TillerError: the bundle has none of the name `which`.
    """
    there = tuple(read_description(folder)["dictionaries"])
    if which is not None and which not in there:
        raise TillerError(f"Dictionary {which!r} was asked for; {folder} has {', '.join(there)}: name one of them.")
    return which or (home if home in there else there[0])


def refuse_names(model: str | None, pretrained: str | None, sae: str | None, dictionaries: tuple[str, ...]) -> None:
    """Refuse options that contradict each other, or a dictionary that is not there; nothing is loaded for it.

    Args:
        dictionaries: the names of the bundle's, one of which serves where `sae` is None.
    """
    if model is None and pretrained is not None:
        raise TillerError(f"--pretrained {pretrained} was given without --model; name the architecture, e.g. ViT-B-32.")
    if model is not None and (sae is None or sae in dictionaries):
        raise TillerError(f"--model {model} was given with the demo's dictionary; name a native SAE file with --sae.")
    if sae is not None and sae not in dictionaries and not Path(sae).is_file():
        raise TillerError(
            f"Dictionary {sae!r} was asked for, and there is no such file; name a native SAE file, or one of the "
            f"bundle's: {', '.join(dictionaries)}."
        )


def read_json(path: Path) -> Any:
    """A JSON file of a bundle."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as wrong:
        raise TillerError(f"{path} is not JSON ({wrong}); make or fetch the bundle again.") from wrong
