"""Events of a session as a whole: that it began and ended, what was consented to, what broke."""

from __future__ import annotations

from dataclasses import dataclass
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

    def cells(self) -> dict[str, Cell]:
        return {"study_version": self.study_version, "app_version": self.app_version, "slot": self.slot}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed(Happening):
    """The link was opened again, `gap_s` seconds after the last row."""

    name: ClassVar[str] = "session.resumed"
    results: ClassVar[frozenset[str]] = frozenset({"gap_s"})
    gap_s: Real

    def cells(self) -> dict[str, Cell]:
        return {"gap_s": self.gap_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCompleted(Happening):
    """The session is over and takes no further act; `outcome` is `completed` or `no_consent`."""

    name: ClassVar[str] = "session.completed"
    outcome: str = "completed"

    def cells(self) -> dict[str, Cell]:
        return {"outcome": self.outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWithdrawn(Happening):
    """The participant took part no longer and wants the data gone; may follow completion."""

    name: ClassVar[str] = "session.withdrawn"
    reason: str = ""

    def cells(self) -> dict[str, Cell]:
        return {"reason": self.reason or None}

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
    searched: tuple[str, ...]  # names of files
    sought: int
    found: int
    settled: bool

    def target(self) -> str | None:
        return f"session/{self.session}"
