"""What a command was given is looked at before torch is imported, so that a refusal takes no seconds."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from core.checkpoints.shape import refuse_shape
from core.description import read_description, refuse_names
from core.prompts import checked_labels, checked_templates
from core.types import EMBEDDING, Block, TillerError
from study.notation import read_labels
from study.settings import settings_in

DEVICE = re.compile(r"(cpu|cuda|mps)(:[0-9]+)?")


def refuse_no_file(path: Path, what: str, *, or_folder: bool = False) -> None:
    """Refuse a path where no file is.

    Args:
        what: the sentence begins with it, such as "The dictionary".
        or_folder: a folder will do.
    """
    if path.is_file() or (or_folder and path.is_dir()):
        return
    there = "that is a folder" if path.is_dir() else "there is no such file"
    raise TillerError(f"{what} {path} was asked for, but {there}; check the path.")


def refuse_no_dictionary(path: Path) -> None:
    """Refuse a path where no dictionary is, and a file that by its first bytes holds none."""
    refuse_no_file(path, "The dictionary", or_folder=True)
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(9)
        if b"{" not in (head[:1], head[8:]):  # saev's header, and that of safetensors
            refuse_shape(path)


def refuse_no_folder(path: Path, what: str) -> None:
    """Refuse a path where no folder is; `what` as above, in the plural."""
    if not path.is_dir():
        there = "that is a file" if path.exists() else "there is no such folder"
        raise TillerError(f"{what} {path} were asked for, but {there}; check the path.")


def refuse_device(name: str) -> None:
    """Refuse a device that is not one of ours by its name; whether it is there is for torch to say."""
    if not DEVICE.fullmatch(name):
        raise TillerError(f"Device '{name}' was asked for; there are cpu, cuda and mps: name one of them.")


def read_block(text: str | None) -> Block | None:
    """Where a dictionary was made, as it is typed: a block from 0, or the embedding; whether it is there is not asked.

    Raises:
        TillerError: it is neither.
    """
    if text is None or text == EMBEDDING:
        return text
    if not (text.isascii() and text.isdecimal()):
        raise TillerError(f"--block is {text!r}; name a block, counted from 0, or embedding.")
    return int(text)


def refuse_words(labels: str | None, templates: Sequence[str] | None) -> None:
    """Refuse class names and prompt templates that no model can take."""
    if labels is not None:
        checked_labels(read_labels(labels))
    if templates:
        checked_templates(templates)


def folder_of(bundle: Path | None) -> Path:
    """The bundle's folder: the one that was named, or else the environment's."""
    return bundle or settings_in(os.environ).bundle


def refuse_options(
    bundle: Path | None,
    model: str | None,
    pretrained: str | None,
    sae: str | None,
    *,
    device: str = "cpu",
    model_alone: bool = False,
) -> None:
    """Refuse a model and a dictionary that cannot be meant, without opening either.

    Args:
        model_alone: a model without a dictionary will do.
    """
    refuse_device(device)
    if bundle is not None and model is not None:
        raise TillerError("--bundle and --model were both given; name one of them.")
    if model is not None and sae is None and model_alone:
        return
    there = ("spatial", "cls") if model is not None else tuple(read_description(folder_of(bundle))["dictionaries"])
    refuse_names(model, pretrained, sae, there)
