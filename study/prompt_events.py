"""Events of prompting: a question or reminder that came up, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from study.happening import Cell, Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Happening):
    """One prompt of the script or of a moderator, in the wording that was shown."""

    prompt: str  # its id in the script
    trigger: str  # start, silence, every, top1_flip, no_effect, undo, first_steer, moderator, ...
    wording: str
    style: str = "neutral"  # neutral or probing
    caused_by: str | None = None  # the event that set it off
    task: str | None = None
    attempt: int = 1

    def about(self) -> dict[str, Any]:
        """What every row of one prompt has in common, as arguments of the next."""
        return {one.name: getattr(self, one.name) for one in fields(Prompt)}

    def target(self) -> str | None:
        return self.prompt

    def cells(self) -> dict[str, Cell]:
        return {
            "prompt": self.prompt,
            "prompt_trigger": self.trigger,
            "prompt_wording": self.wording,
            "prompt_style": self.style,
            "prompt_cause_event_id": self.caused_by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptShown(Prompt):
    """The prompt came up."""

    name: ClassVar[str] = "prompt.shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAnswered(Prompt):
    """One question of the prompt was answered: words in `text`, a scale's value in `number`."""

    name: ClassVar[str] = "prompt.answered"
    item: str = ""  # which of its questions
    text: str = ""
    number: Real | None = None

    def cells(self) -> dict[str, Cell]:
        own: dict[str, Cell] = {
            "item": self.item or None,
            "answer_text": self.text or None,
            "answer_number": self.number,
        }
        return {**Prompt.cells(self), **own}

    def said(self) -> tuple[str, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptDismissed(Prompt):
    """The prompt went away without an answer."""

    name: ClassVar[str] = "prompt.dismissed"
    how: str = "closed"  # closed by the participant, or expired

    def cells(self) -> dict[str, Cell]:
        return {**Prompt.cells(self), "dismissed": self.how}
