"""Events of coding by people: the codebook in its versions, codes given and taken back, and what coders agree on.

A coder's own events on one session are the stream `coding:SESSION:CODER`; the rest is in `codebook:STUDY`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from study.happening import Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code of a codebook; `id` stays the same in every version, whatever else is changed."""

    id: str
    name: str
    definition: str = ""
    use_when: str = ""
    not_when: str = ""
    example: str = ""
    colour: str = "#5b6670"
    shortcut: str = ""  # one character, or none
    parent: str | None = None
    codable: bool = True  # a group alone cannot be given to a unit


@dataclass(frozen=True, slots=True, kw_only=True)
class CodebookChanged(Happening):
    """A whole version of the codebook, which never changes; the next one is another event."""

    name: ClassVar[str] = "code.codebook_changed"
    version: int
    entries: tuple[Entry, ...]
    mapping: dict[str, str] = field(default_factory=dict[str, str])  # ids that are gone: to what, "" for nothing
    by: str = ""
    note: str = ""

    def target(self) -> str | None:
        return f"codebook/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnUnit(Happening):
    """Something that one coder says of one coded unit."""

    unit: str
    coder: str
    codebook: int = 0  # the version of the codebook it was said under

    def target(self) -> str | None:
        return f"unit/{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAssigned(OnUnit):
    """A code was given to a unit."""

    name: ClassVar[str] = "code.assigned"
    code: str
    memo: str = ""

    def said(self) -> tuple[str, ...]:
        return (self.memo,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRemoved(OnUnit):
    """A code was taken off a unit again; the row that gave it stays."""

    name: ClassVar[str] = "code.removed"
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoWritten(OnUnit):
    """What a coder notes about a unit, as it stands from now on; empty takes it away."""

    name: ClassVar[str] = "code.memo_written"
    text: str

    def said(self) -> tuple[str, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAgreed(OnUnit):
    """All codes that a unit has after coders talked about it; `coder` is `consensus`, `by` is who wrote it down."""

    name: ClassVar[str] = "code.agreed"
    codes: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingLocked(Happening):
    """A coder has finished a session: units without a code of theirs are meant to have none."""

    name: ClassVar[str] = "code.locked"
    session: str
    coder: str
    codebook: int = 0

    def target(self) -> str | None:
        return f"session/{self.session}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDrawn(Happening):
    """Units that a second coder is to code blind: neither sees the other's codes until both have locked."""

    name: ClassVar[str] = "code.sample_drawn"
    coder: str
    first: str  # the coder whose work is coded once more
    of: str  # units or sessions
    share: Real
    seed: int
    units: dict[str, tuple[str, ...]]  # by session
    by: str = ""

    def target(self) -> str | None:
        return f"coder/{self.coder}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One statistic of one layer or code as it was computed; None where it is undefined, with the reason."""

    of: str
    layer: str
    statistic: str  # observed, kappa or alpha
    units: int
    value: Real | None = None
    low: Real | None = None
    high: Real | None = None
    undefined: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementComputed(Happening):
    """Agreement between coders as it stood, with all that is needed to compute it again."""

    name: ClassVar[str] = "code.coder_agreement"
    coders: tuple[str, ...]
    codebook: int
    participants: int
    replicates: int
    seed: int
    figures: tuple[Measured, ...]
    by: str = ""

    def target(self) -> str | None:
        return f"codebook/{self.codebook}"
