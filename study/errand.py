"""One piece of work in the background of a server: begun, watched, asked to stop, waited for; never two at once."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from core.types import TillerError

_log = logging.getLogger("tiller")


class Stopped(Exception):
    """Somebody asked the errand to stop."""


@dataclass(slots=True, kw_only=True)
class Errand:
    """What is known of one errand while it runs and after; only its own thread writes to it, but for `stopping`."""

    state: Literal["running", "finished", "stopped", "failed"] = "running"
    reason: str = ""
    stopping: bool = False

    def refuse_stopped(self) -> None:
        """To be called often by the work; raises `Stopped` once somebody has asked for it."""
        if self.stopping:
            raise Stopped


Run = TypeVar("Run", bound=Errand)


class Runner(ABC, Generic[Run]):
    """Runs errands of one kind, one at a time, each in a thread of its own; `what` names them to people."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._thread: threading.Thread | None = None

    @property
    def run(self) -> Run | None:
        """The errand under way, or the last one of this process."""
        return self._run

    def stop(self) -> None:
        """Ask the errand under way to stop."""
        if self._run is not None:
            self._run.stopping = True

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the errand under way has come to its end."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    @abstractmethod
    def _work(self, run: Run) -> None:
        """The work itself, in the errand's own thread."""

    def _begin(self, new: Callable[[], Run]) -> Run:
        """Begin the errand that `new` gives; where one is under way, that one is given."""
        with self._lock:
            if self._run is not None and self._run.state == "running":
                return self._run
            run = self._run = new()
            name = f"tiller-{self.what.split()[-1]}"
            self._thread = threading.Thread(target=self._do, args=(run,), name=name, daemon=True)
            self._thread.start()
            return run

    def _do(self, run: Run) -> None:
        try:
            self._work(run)
            run.state = "finished"
        except Stopped:
            run.state = "stopped"
        except Exception as error:
            known = isinstance(error, TillerError)
            _log.error("%s has failed: %s", self.what, error, exc_info=None if known else error)
            # the reason comes first: whoever sees the state reads it
            told = f"{self.what} has failed ({type(error).__name__}); the server's own log says more."
            run.reason, run.state = str(error) if known else told, "failed"
