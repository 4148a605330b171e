"""Events of a moderator at work: who was there, what was noted, sent and marked; the participant sees no note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation(Happening):
    """Something that a member of staff did in a session; `who` is a name in the record, M1, never a person's."""

    who: str

    def cells(self) -> dict[str, Cell]:
        return {"moderator": self.who}


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(Moderation):
    """Somebody of the staff came or went."""

    role: str = "moderator"  # moderator, who may write, or observer

    def cells(self) -> dict[str, Cell]:
        return {**Moderation.cells(self), "moderator_role": self.role}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorJoined(Presence):
    """Somebody of the staff opened the session's console."""

    name: ClassVar[str] = "moderator.joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorLeft(Presence):
    """Somebody of the staff closed the session's console."""

    name: ClassVar[str] = "moderator.left"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorNoteAdded(Moderation):
    """A note, whose moment was stamped by a key before its text was written.

    The stamp is a row of its own with no text; the text follows in another that has the stamp's moment. `guide` is the
    question of the moderator's guide that was ticked; `asked` is False where the tick was taken back.
    """

    name: ClassVar[str] = "moderator.note_added"
    text: str
    guide: str | None = None
    asked: bool = True
    marked_seq: int | None = None  # the session's last row when the key was pressed: the stamp's own
    marked_ms: Real | None = None  # server clock then, since 1970
    visible_to_participant: bool = False

    def target(self) -> str | None:
        return self.guide

    def cells(self) -> dict[str, Cell]:
        return {
            **Moderation.cells(self),
            "moderator_text": self.text,
            "guide_question": self.guide,
            "guide_asked": None if self.guide is None else self.asked,
            "marked_seq": self.marked_seq,
            "marked_ms": self.marked_ms,
            "visible_to_participant": self.visible_to_participant,
        }

    def said(self) -> tuple[str, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorPromptSent(Moderation):
    """A prompt was sent to the participant, of the script or in the moderator's own words; prompt.shown names it."""

    name: ClassVar[str] = "moderator.prompt_sent"
    text: str
    prompt: str | None = None  # its id in the script; None for own words

    def target(self) -> str | None:
        return self.prompt

    def cells(self) -> dict[str, Cell]:
        return {**Moderation.cells(self), "prompt": self.prompt, "moderator_text": self.text}

    def said(self) -> tuple[str, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorClockMarked(Moderation):
    """A flash and a tone were given, by which outside recordings are aligned with the log; `mark` counts from 1."""

    name: ClassVar[str] = "moderator.clock_marked"
    mark: int

    def cells(self) -> dict[str, Cell]:
        return {**Moderation.cells(self), "clock_mark": self.mark}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorTookOver(Moderation):
    """An observer, or a moderator from elsewhere, became the one who may write."""

    name: ClassVar[str] = "moderator.took_over"
    before: str | None = None  # who it was until then

    def cells(self) -> dict[str, Cell]:
        return {**Moderation.cells(self), "moderator_before": self.before}
