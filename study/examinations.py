"""What is found out about each dictionary of a bundle: kept in a file of its own, and measured in the background."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from core.types import TillerError
from study.errand import Errand, Runner
from study.media_files import folder_for
from study.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of examination.

    Attributes:
        name: of its folder.
        what: as sentences begin with it.
        version: of what is kept, as core writes it.
        stages: of one dictionary's examination, as core tells them.
    """

    name: str
    what: str
    version: int
    stages: int


HEALTH = Kind("health", "The measurement", version=1, stages=6)  # core.health
OVERVIEW = Kind("overview", "The overview", version=1, stages=4)  # core.overview.survey


def found_folder(settings: Settings, kind: Kind) -> Path:
    """Beside the recordings: in TILLER_FILES where that is named."""
    return folder_for(make_url(settings.database_url), settings.files).with_name(kind.name)


def keep_found(folder: Path, found: Mapping[str, Any]) -> Path:
    """Write what was found of one dictionary, whole or not at all; what was found of it before goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found['bundle']}-{found['dictionary']}.json"
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_text(json.dumps(found, allow_nan=False) + "\n", encoding="utf-8")
    aside.replace(path)
    return path


def found_of(folder: Path, kind: Kind, bundle: str, dictionary: str) -> dict[str, Any] | None:
    """What was last found of a dictionary of the bundle with this digest; None where nothing was."""
    path = folder / f"{bundle}-{dictionary}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as wrong:
        raise TillerError(f"{path} is no JSON ({wrong}); have it made again.") from wrong
    return found if found["version"] == kind.version else None


@dataclass(slots=True)
class Examination(Errand):
    """One under way, or the last one of its kind in this process."""

    kind: Kind
    dictionaries: tuple[str, ...]
    at: int = 0
    begun: int = 0  # stages of the dictionary that is examined
    stage: str = ""
    done: int = 0
    steps: int = 1

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1: whole dictionaries, whole stages, and steps of the one under way."""
        if self.state == "finished":
            return 1.0
        within = (max(0, self.begun - 1) + min(1.0, self.done / max(1, self.steps))) / self.kind.stages
        return min(1.0, (self.at + min(1.0, within)) / len(self.dictionaries))


class Examiner(Runner[Examination]):
    """Examines dictionaries one after the other in the background, and keeps what it finds as it is there.

    Args:
        examine: what is found of a dictionary of the running bundle, as plain values, by its name.
    """

    def __init__(self, kind: Kind, folder: Path, examine: Callable[[str, Progress], Mapping[str, Any]]) -> None:
        super().__init__(kind.what)
        self.kind, self.folder = kind, folder
        self._examine = examine

    def start(self, dictionaries: Sequence[str]) -> Examination:
        """Begin; where one is under way, that one is given. What is done stays kept."""
        return self._begin(lambda: Examination(self.kind, tuple(dictionaries)))

    def _work(self, run: Examination) -> None:
        def tell(stage: str, done: int, steps: int) -> None:
            run.refuse_stopped()
            run.begun += stage != run.stage
            run.stage, run.done, run.steps = stage, done, steps

        for place, name in enumerate(run.dictionaries):
            run.at, run.begun, run.stage = place, 0, ""
            keep_found(self.folder, self._examine(name, tell))
