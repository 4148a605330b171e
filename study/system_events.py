"""Events of the system around the sessions: that it began anew, handed data on, ran a session again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRestarted(Happening):
    """The server began anew while a session was open; `boot_before` names the clock that ran until then."""

    name: ClassVar[str] = "system.restarted"
    app_version: str
    boot_before: str | None = None

    def cells(self) -> dict[str, Cell]:
        return {"app_version": self.app_version}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One file of an export, as its manifest lists it."""

    file: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemExportMade(Happening):
    """Data were handed on; what an erasure has to search, and what a digest in a paper can be traced to."""

    name: ClassVar[str] = "system.export_made"
    study: str
    format: str
    files: tuple[ExportedFile, ...]
    rows: int  # of the log
    sessions: int
    held: tuple[str, ...] = ()  # ids of these sessions; none where an earlier version wrote the row
    folder: str = ""  # where the command line wrote it; the app keeps its own beside the record

    def target(self) -> str | None:
        return f"study/{self.study}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReplayVerified(Happening):
    """A session's predictions were run again; good for the rows up to the one whose hash is `head`."""

    name: ClassVar[str] = "system.replay_verified"
    session: str
    verdict: str
    counts: dict[str, int]
    rows: int
    head: str
    differing: tuple[str, ...] = ()  # fields of the environment that are not those of the log

    def target(self) -> str | None:
        return f"session/{self.session}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPreflightPassed(Happening):
    """A study's script was rehearsed by bots that were killed at every step, and nothing was found wrong."""

    name: ClassVar[str] = "system.preflight_passed"
    study: str
    version: str
    script_sha256: str
    app_version: str
    checks: int

    def target(self) -> str | None:
        return f"study/{self.study}"

    def cells(self) -> dict[str, Cell]:
        return {"study_version": self.version, "app_version": self.app_version}
