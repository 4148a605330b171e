"""The folder in which an unfinished index waits: what was asked for, what is counted, and whose turn it is."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.types import TillerError

Broken = list[tuple[int, str]]


class Kept:
    """One process's part of the folder; each file is whole or not there."""

    def __init__(self, work: Path, rank: int) -> None:
        self.work = work
        self.path = work / f"counted-{rank}.safetensors"
        self.embeddings = work / f"embeddings-{rank}"
        self.reference = work / f"reference-{rank}"

    def save(self, arrays: Mapping[str, np.ndarray], done: int, broken: Broken) -> None:
        """Keep what the first `done` batches of this process gave."""
        said = json.dumps({"done": done, "broken": broken})
        new = self.path.with_suffix(".new")
        save_file(dict(arrays), new, metadata={"tiller": said})
        _to_disk(new)
        new.replace(self.path)

    def load(self) -> tuple[dict[str, np.ndarray], int, Broken] | None:
        """What was kept last; None where nothing was."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="np") as file:
                said = json.loads(file.metadata()["tiller"])
                arrays = {name: file.get_tensor(name).copy() for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, ValueError) as wrong:
            raise TillerError(
                f"{self.path} is not whole ({wrong}); remove the folder {self.work} to begin anew."
            ) from wrong
        return arrays, said["done"], [(place, reason) for place, reason in said["broken"]]


def settle_plan(path: Path, plan: Mapping[str, Any], *, what: str = "an index") -> None:
    """Write down of what that which is made in this folder is made, or refuse if something else is being made here."""
    if not path.is_file():
        path.with_suffix(".new").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".new").replace(path)
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        there = {}
    different = [name for name in plan if there.get(name) != plan[name]]
    if different:
        shown = ", ".join(f"{name} {_short(there.get(name))} (now {_short(plan[name])})" for name in different)
        raise TillerError(
            f"In {path.parent} {what} is being built with another {shown}; give the options it was begun with, "
            "remove that folder, or name another place to write to."
        )


@contextmanager
def held(work: Path) -> Generator[None]:
    """Keep any other command off the folder; let go of by the system however the process ends."""
    with (work / "lock").open("w") as file:
        try:
            import fcntl  # noqa: PLC0415 - not on every system
        except ImportError:
            yield
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise TillerError(
                f"Another command is at work in {work}; wait for it, or name another place to write to."
            ) from taken
        yield


def _short(value: object) -> str:
    said = "none" if value is None else str(value)
    return said if len(said) <= 24 else said[:12] + "..."


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
