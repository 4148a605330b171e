"""Where the health of a bundle's dictionaries is kept, and the one measurement that may be under way in a server."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.engine import make_url

from core.types import TillerError
from study.media_files import folder_for
from study.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""

VERSION = 1  # of what is kept, as core.health writes it
_log = logging.getLogger("tiller")


class _Stopped(Exception):
    """Somebody asked the measurement to stop."""


def health_folder(settings: Settings) -> Path:
    """Beside the recordings: in TILLER_FILES where that is named."""
    return folder_for(make_url(settings.database_url), settings.files).with_name("health")


def keep_health(folder: Path, health: Mapping[str, Any]) -> Path:
    """Write what was measured of one dictionary, whole or not at all; an older measurement of it goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{health['bundle']}-{health['dictionary']}.json"
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_text(json.dumps(health, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    aside.replace(path)
    return path


def kept_health(folder: Path, bundle: str, dictionary: str) -> dict[str, Any] | None:
    """What was last measured of a dictionary of the bundle with this digest; None where nothing was."""
    path = folder / f"{bundle}-{dictionary}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as wrong:
        raise TillerError(f"{path} is no JSON ({wrong}); measure again.") from wrong
    return found if found["version"] == VERSION else None


@dataclass(slots=True)
class Checkup:
    """A measurement under way, or the last one of this process; only its own thread writes to it but for `stopping`."""

    dictionaries: tuple[str, ...]
    at: int = 0
    stage: str = ""
    done: int = 0
    steps: int = 1
    state: Literal["running", "finished", "stopped", "failed"] = "running"
    reason: str = ""
    stopping: bool = False


class Examiner:
    """Measures dictionaries one after the other in the background, and keeps each result as it is there.

    Args:
        measure: the plain figures of a dictionary of the running bundle, by its name.
    """

    def __init__(self, folder: Path, measure: Callable[[str, Progress], Mapping[str, Any]]) -> None:
        self.folder = folder
        self._measure = measure
        self._lock = threading.Lock()
        self._run: Checkup | None = None
        self._thread: threading.Thread | None = None

    @property
    def run(self) -> Checkup | None:
        """The measurement under way, or the last one of this process."""
        return self._run

    def start(self, dictionaries: Sequence[str]) -> Checkup:
        """Begin to measure; where a measurement is under way, that one is given."""
        with self._lock:
            if self._run is not None and self._run.state == "running":
                return self._run
            self._run = Checkup(tuple(dictionaries))
            self._thread = threading.Thread(target=self._make, args=(self._run,), name="tiller-health", daemon=True)
            self._thread.start()
            return self._run

    def stop(self) -> None:
        """Ask the measurement to stop; dictionaries that are done stay kept."""
        if self._run is not None:
            self._run.stopping = True

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the measurement under way has come to its end."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _make(self, run: Checkup) -> None:
        def tell(stage: str, done: int, steps: int) -> None:
            if run.stopping:
                raise _Stopped
            run.stage, run.done, run.steps = stage, done, steps

        try:
            for place, name in enumerate(run.dictionaries):
                run.at = place
                keep_health(self.folder, self._measure(name, tell))
            run.state = "finished"
        except _Stopped:
            run.state = "stopped"
        except TillerError as error:
            run.reason, run.state = str(error), "failed"
        except Exception:
            _log.exception("The health of a dictionary could not be measured.")
            run.reason = "The measurement has failed; the server's own log says why."
            run.state = "failed"
