"""The plan of an unfinished bundle, as far as a command says it before torch is there to wait for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.checksum import checksum_of
from core.indexing.kept import refuse_other_plan

PLAN = "plan.json"
NAMED = {"images": "--images", "batch": "--batch", "threads": "--threads", "device": "--device"}


def work_of(folder: Path) -> Path:
    """The folder in which a bundle waits until it is finished."""
    return folder.with_name(f".{folder.name}.work")


def is_begun(work: Path) -> bool:
    """Whether the work folder holds anything that cost time."""
    return work.is_dir() and any(each.name not in ("lock", PLAN) for each in work.iterdir())


def said_of_dictionaries(files: Mapping[str, Path]) -> dict[str, str]:
    """The entries of the plan for dictionaries, each a file or a folder, as checksums."""
    return {f"dictionary {which}": _of_all(path) for which, path in files.items()}


def refuse_another(folder: Path, said: Mapping[str, Any], dictionaries: Mapping[str, Path]) -> None:
    """Refuse a command that goes on with the bundle `folder` as it was not begun; whose model, is known later.

    Args:
        said: entries of the plan that the command gives.
        dictionaries: those that it names, read only where a bundle is begun.
    """
    work = work_of(folder)
    if is_begun(work) and (work / PLAN).is_file():
        refuse_other_plan(work / PLAN, {**said, **said_of_dictionaries(dictionaries)}, what="a bundle", named=NAMED)


def _of_all(path: Path) -> str:
    """Of a file's bytes, or of the names and bytes of a folder's files."""
    if path.is_file():
        return checksum_of(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    said = [f"{each.relative_to(path).as_posix()} {checksum_of(each)}" for each in files]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()
