"""Events of a session as a whole: that it began and ended, what was consented to, what broke."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from study.happening import Cell, Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Happening):
    """The first row of a participant's stream; the study's place columns are copied from it into every later row."""

    name: ClassVar[str] = "session.started"
    study: str
    study_version: str
    script_sha256: str
    participant: str
    mode: str = "remote"  # moderated, remote, preview or bot
    app_version: str = ""
    slot: int | None = None
    levels: dict[str, int] = field(default_factory=dict[str, int])  # of each factor that was drawn with the slot
    seed: int = 0  # of what is random on this route
    language: str = ""  # of the texts; empty: the script's first

    def cells(self) -> dict[str, Cell]:
        drawn = " ".join(f"{factor}={level}" for factor, level in self.levels.items())
        return {
            "study_version": self.study_version,
            "app_version": self.app_version,
            "slot": self.slot,
            "levels": drawn or None,
            "language": self.language or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed(Happening):
    """The session goes on, `gap_s` seconds after the last row: the link was opened again, or a pause has ended.

    A link that is opened again does not end a pause; what does says so with `ends_pause`.
    """

    name: ClassVar[str] = "session.resumed"
    results: ClassVar[frozenset[str]] = frozenset({"gap_s"})
    gap_s: Real
    ends_pause: bool = False

    def cells(self) -> dict[str, Cell]:
        return {"gap_s": self.gap_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTakenOver(Happening):
    """Another window took the session from the one that had it, last heard of `gap_s` seconds before."""

    name: ClassVar[str] = "session.taken_over"
    results: ClassVar[frozenset[str]] = frozenset({"gap_s"})
    gap_s: Real

    def cells(self) -> dict[str, Cell]:
        return {"gap_s": self.gap_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPaused(Happening):
    """Time stands still, for limits and for what is counted as time on a task, until the session goes on."""

    name: ClassVar[str] = "session.paused"
    reason: str = ""

    def cells(self) -> dict[str, Cell]:
        return {"reason": self.reason or None}

    def said(self) -> tuple[str, ...]:
        return (self.reason,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCompleted(Happening):
    """The session is over and takes no further act; `outcome` is `completed` or `no_consent`."""

    name: ClassVar[str] = "session.completed"
    outcome: str = "completed"

    def cells(self) -> dict[str, Cell]:
        return {"outcome": self.outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWithdrawn(Happening):
    """The participant takes part no longer; `erase` says whether the data are to go too. May follow completion."""

    name: ClassVar[str] = "session.withdrawn"
    reason: str = ""
    erase: bool = False  # whether they asked for what is on record to be erased

    def cells(self) -> dict[str, Cell]:
        return {"reason": self.reason or None, "erase_asked": self.erase}

    def target(self) -> str | None:
        return "erase" if self.erase else None

    def said(self) -> tuple[str, ...]:
        return (self.reason,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimedOut(Happening):
    """The session was closed because a limit of the script had passed, `gap_s` seconds after the last row."""

    name: ClassVar[str] = "session.timed_out"
    results: ClassVar[frozenset[str]] = frozenset({"gap_s"})
    limit: str  # the script's key of it: resume_window_hours or max_minutes
    gap_s: Real

    def cells(self) -> dict[str, Cell]:
        return {"session_limit": self.limit, "gap_s": self.gap_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRejected(Happening):
    """The session was closed because it cannot be used; `outcome` is `rejected` or `screened_out`."""

    name: ClassVar[str] = "session.rejected"
    outcome: str = "rejected"
    reason: str = ""

    def cells(self) -> dict[str, Cell]:
        return {"outcome": self.outcome, "reason": self.reason or None}

    def said(self) -> tuple[str, ...]:
        return (self.reason,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentShown(Happening):
    """The consent text was on the screen, in the wording that `text_sha256` names."""

    name: ClassVar[str] = "consent.shown"
    text_sha256: str
    scopes: tuple[str, ...]

    def cells(self) -> dict[str, Cell]:
        return {"text_sha256": self.text_sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAnswer(Happening):
    """One scope was answered, with the text as it then stood."""

    scope: str
    text_sha256: str

    def target(self) -> str | None:
        return self.scope

    def cells(self) -> dict[str, Cell]:
        return {"consent_scope": self.scope, "text_sha256": self.text_sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(ConsentAnswer):
    """One scope was allowed."""

    name: ClassVar[str] = "consent.given"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRefused(ConsentAnswer):
    """One scope was refused."""

    name: ClassVar[str] = "consent.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentScopeChanged(ConsentAnswer):
    """A scope was allowed or taken back later on; what it was before is in the rows above."""

    name: ClassVar[str] = "consent.scope_changed"
    given: bool

    def cells(self) -> dict[str, Cell]:
        return {**ConsentAnswer.cells(self), "consent_given": self.given}


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemErrored(Happening):
    """Something broke; `reference` is the number that the participant was shown and the server's log holds."""

    name: ClassVar[str] = "system.error"
    reference: str
    where: str
    error: str  # the class of the exception

    def target(self) -> str | None:
        return self.where

    def cells(self) -> dict[str, Cell]:
        return {"reference": self.reference, "error": self.error}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordErased(Happening):
    """A session's words were taken away; what a search of the files for them found afterwards."""

    name: ClassVar[str] = "system.record_erased"
    session: str
    payloads: int
    participants: int
    media: int
    searched: tuple[str, ...]  # names of files; tables and files of a server
    sought: int
    found: int
    settled: bool
    unsearched: tuple[str, ...] = ()
    what: str = "payloads"  # media, transcript, payloads or stream
    rows: int = 0
    exports: int = 0  # finished exports beside the record that had its rows
    handed_on: tuple[str, ...] = ()  # exports that may have its rows still

    def target(self) -> str | None:
        return f"session/{self.session}"
