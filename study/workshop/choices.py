"""What a command of tasks is asked about: judged before torch is imported, which takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.description import read_description
from core.types import TillerError
from study.notation import find_label, read_labels
from study.workshop.given import folder_of, refuse_options


def class_names(bundle: Path | None, model: str | None, pretrained: str | None, labels: str | None) -> tuple[str, ...]:
    """The class names that are asked about: those that were typed, or the bundle's."""
    refuse_options(bundle, model, pretrained, None, model_alone=True)
    if labels is not None:
        return read_labels(labels)
    if model is not None:
        raise TillerError(f"--model {model} was given without --labels; name the classes, at least two.")
    return tuple(read_description(folder_of(bundle))["labels"])


def claimed_class(labels: tuple[str, ...], claimed: str, *, given: bool) -> int:
    """The class that a word stands for; the word need not be spelt as the class is."""
    if given:
        return find_label(labels, claimed)
    same = [place for place, label in enumerate(labels) if label.casefold() == claimed.casefold()]
    if not same:
        raise TillerError(
            f"{claimed!r} is to be read as a class, and the classes are {', '.join(labels)}; add it with --labels, or "
            "say which of them it stands for with --claims."
        )
    return same[0]


def refuse_strange(home: Path, shown: Sequence[str], named: Sequence[str] | None) -> None:
    """Refuse pictures of classes that a bundle does not know."""
    said = read_description(home)
    classes = named or said["labels"]
    strange = [one for one in shown if one not in classes]
    if strange:
        raise TillerError(
            f"The pictures show {', '.join(strange[:8])}, and the classes are {', '.join(classes)}; name all of them "
            "with --classes."
        )


def dictionary_named(home: Path, sae: str | None, model: str | None) -> str:
    """The name under which a script asks for the dictionary: that of the bundle, `spatial` for a file of one's own."""
    there = tuple(read_description(home)["dictionaries"]) if model is None else ()
    if sae in there:
        return str(sae)
    return there[0] if sae is None and there and "spatial" not in there else "spatial"
