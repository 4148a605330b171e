"""The folder in which an unfinished index waits: what was asked for, what is counted, and whose turn it is."""

from __future__ import annotations

import json
import os
import re
import shutil
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
        write_whole(self.path, dict(arrays), said)

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


def write_whole(path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    """Write arrays and what is said of them to a file that is there whole or not at all, whatever the disk does."""
    new = path.with_name(path.name + ".new")
    try:
        save_file(arrays, new, metadata={"tiller": said})
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    except SafetensorError as wrong:
        raise TillerError(
            f"{path} could not be written ({wrong}); make room there, and give the same command."
        ) from wrong
    finally:
        new.unlink(missing_ok=True)


def settle_plan(
    path: Path, plan: Mapping[str, Any], *, what: str = "an index", named: Mapping[str, str] | None = None
) -> None:
    """Write down of what that which is made in this folder is made, or refuse as `refuse_other_plan`."""
    if path.is_file():
        refuse_other_plan(path, plan, what=what, named=named)
        return
    path.with_suffix(".new").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".new").replace(path)


def refuse_other_plan(
    path: Path, plan: Mapping[str, Any], *, what: str = "an index", named: Mapping[str, str] | None = None
) -> None:
    """Refuse if something else is being made in this folder, as far as `plan` says; where none is begun, nothing is.

    Args:
        named: what entries of the plan are called for a person, such as the option that gives them.
    """
    if not path.is_file():
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        there = {}
    different = [name for name in plan if there.get(name) != plan[name]]
    if not different:
        return
    called = {name: (named or {}).get(name, name) for name in different}
    then = [_said(called[name], there.get(name), plan[name]) for name in different]
    now = [_said(called[name], plan[name], there.get(name)) for name in different if not _is_digest(plan[name])]
    says = f"; this command says {' and '.join(now)}" if now else ""
    raise TillerError(
        f"{path.parent} holds {what} that is not finished and was begun with {' and '.join(then)}{says}. Give what it "
        "was begun with to go on with it, remove that folder to begin anew, or name another place to write to."
    )


@contextmanager
def tidied(work: Path, *, made: bool) -> Generator[None]:
    """Take a folder that was `made` for this away again, where what goes wrong leaves nothing in it that cost time."""
    try:
        yield
    except BaseException:
        if made and not any(work.glob("counted-*.safetensors")):
            shutil.rmtree(work, ignore_errors=True)
        raise


def check_out(out: Path) -> None:
    """Refuse a file to write that is there already, or a place that is no folder."""
    if out.exists():
        raise TillerError(f"There is {out} already; remove it, or name another file with --out.")
    above = next(each for each in out.absolute().parents if each.exists())
    if not above.is_dir():
        raise TillerError(f"{out} was to be written, and {above} is no folder; name another file with --out.")


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


def _said(name: str, value: object, other: object) -> str:
    """An entry of a plan as a person reads it; of a digest, only that it is another one."""
    if _is_digest(value) or (value is None and _is_digest(other)):
        return f"another {name.removeprefix('--')}"
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"no {name}" if value is None else f"{name} {value}"


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{40,64}", value) is not None
