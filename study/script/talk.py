"""Thinking aloud: what is said of it beforehand, whether it is recorded, and which prompts come up when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from study.script.answers import Answer
from study.script.part import Key, Part, Words

Seconds = Annotated[float, Field(gt=0, le=3600, strict=False)]
Count = Annotated[int, Field(ge=1, le=1000)]


class When(Part):
    """What sets a prompt off; exactly one of `event`, `silence_s`, `idle_s` and `before_first`."""

    event: (
        Literal["task.started", "intervention.applied", "intervention.undone", "intervention.reset", "model.predicted"]
        | None
    ) = None
    every: Count | None = None  # with intervention.applied: each n-th of the attempt
    top1_changed: Literal[True] | None = None  # with model.predicted
    max_abs_prob_change_below: Annotated[float, Field(gt=0, le=1)] | None = None  # with model.predicted
    silence_s: Seconds | None = None
    idle_s: Seconds | None = None
    before_first: Literal["intervention.applied"] | None = None

    @model_validator(mode="after")
    def _one_trigger(self) -> When:
        given = [self.event, self.silence_s, self.idle_s, self.before_first]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give exactly one of event, silence_s, idle_s, before_first")
        if self.every is not None and self.event != "intervention.applied":
            raise ValueError("every goes with event: intervention.applied")
        finer = (self.top1_changed, self.max_abs_prob_change_below)
        if (self.event == "model.predicted") != (sum(one is not None for one in finer) == 1):
            raise ValueError(
                "model.predicted takes one of top1_changed and max_abs_prob_change_below, nothing else does"
            )
        return self

    @property
    def trigger(self) -> str:
        """The word for it in the log: start, every, undo, reset, top1_flip, no_effect, silence, idle, first_steer."""
        if self.event is None:
            return "silence" if self.silence_s else "idle" if self.idle_s else "first_steer"
        if self.event == "model.predicted":
            return "top1_flip" if self.top1_changed else "no_effect"
        if self.event == "intervention.applied":
            return "every"
        return {"task.started": "start", "intervention.undone": "undo", "intervention.reset": "reset"}[self.event]


class Prompt(Part):
    """A reminder or question that comes up by itself; `blocking` holds the steering controls until it is answered."""

    id: Key
    style: Literal["neutral", "probing"]
    when: When
    text: Words
    ask: Annotated[tuple[Answer, ...], Field(strict=False)] = ()
    blocking: bool = False
    max_per_task: Count | None = None
    expires_s: Seconds | None = None
    modes: Annotated[tuple[Literal["moderated", "remote"], ...], Field(strict=False)] = ("moderated", "remote")


class PromptLimits(Part):
    """Bounds over all prompts together."""

    min_gap_s: Annotated[float, Field(ge=0, le=3600, strict=False)] = 30
    max_per_task: Count = 6


class ThinkAloud(Part):
    """What to say about speaking one's thoughts while working, and what the page does about it."""

    note: Words
    audio: bool = False  # record the voice during tasks of those who allow the scope `audio`
    warmup: Words | None = None  # a text to practise with, on the page of the microphone check
    limits: PromptLimits = PromptLimits()
    prompts: Annotated[tuple[Prompt, ...], Field(strict=False)] = ()
