"""Where a command of the workshop writes: refused where something is there already, and written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from core.types import TillerError

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]


def refuse_picture_place(path: Path, image: Path) -> None:
    """Refuse a place for a picture that loses pixels, lies nowhere, or is the picture that it is made of."""
    if path.suffix.lower() != ".png":
        raise TillerError(f"'{path}' was to be written; a PNG loses nothing of what the model saw: end it in .png.")
    if path.resolve() == image.resolve():
        raise TillerError(f"'{path}' is the picture itself; write to another file, so that it stays.")
    refuse_folder(path)


def refuse_script_place(path: Path) -> None:
    """Refuse a place for a study script that is none."""
    if path.suffix not in (".yaml", ".yml"):
        raise TillerError(f"'{path}' was to be written; a study script ends in .yaml: name it so.")
    refuse_folder(path)


def refuse_folder(path: Path) -> None:
    """Refuse a file in a folder that is not there."""
    if not path.parent.is_dir():
        raise TillerError(f"'{path}' was to be written, and there is no folder {path.parent}; make it first.")


def refuse_file(path: Path) -> None:
    """Refuse a folder to write to that is a file, or lies in one."""
    there = next(one for one in (path, *path.parents) if one.exists())
    if not there.is_dir():
        raise TillerError(f"The folder '{path}' was to be written to, and '{there}' is a file; name another.")


def refuse_taken(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse what is there already, unless it may be replaced, and one place for two things."""
    every = list(paths)
    if len({one.resolve() for one in every}) < len(every):
        raise TillerError(f"One of {', '.join(map(str, every))} was named for two things; give each a file of its own.")
    taken = [one for one in every if one.exists()]
    if any(one.is_dir() for one in taken):
        raise TillerError(f"'{next(one for one in taken if one.is_dir())}' is a folder; name a file to write.")
    if taken and not overwrite:
        named, are = " and ".join(f"'{one}'" for one in taken), "is" if len(taken) == 1 else "are"
        raise TillerError(f"{named} {are} there already; name another file, or replace with --overwrite.")


def put_files(contents: Mapping[Path, bytes]) -> None:
    """Write every file: each lies whole beside its place before the first gets its name; one folder more is made."""
    aside = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in contents}
    try:
        for path, content in contents.items():
            path.parent.mkdir(exist_ok=True)
            aside[path].write_bytes(content)
        for path, part in aside.items():
            part.replace(path)
    finally:
        for part in aside.values():
            part.unlink(missing_ok=True)
