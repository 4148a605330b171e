"""The tasks: a failing picture each, what may be used on it, for how long, and what counts as repaired."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.script.answers import Answers
from study.script.part import Key, Minutes, Part, Text, Tool, Words

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
Truth = Annotated[
    Literal["shown", "hidden"],
    Field(
        description="Whether participants are told what the picture really shows. hidden: no page names it, and the "
        "model's answer is weighed against its second choice; for tasks in which they judge whether it is right."
    ),
]
Asked = Literal["hypothesis", "direction", "top1", "probability", "confidence"]


class GroundTruth(Part):
    """What really causes the failure; for analysis, on no participant's page."""

    cause: Text
    hidden: Literal[True] = True


class Limits(Part):
    """How long a task may take, and how much has to be tried before it may be handed in."""

    minutes: Minutes | None = None
    warn_at_minutes: Minutes | None = None
    min_interventions: Annotated[int, Field(ge=0, le=1000)] = 0


class Expect(Part):
    """What is asked for before a steer is carried out: before each that `before` numbers, from 1.

    The log scores it when the effect is seen. Where it is `optional`, the steer can be carried out without.
    """

    before: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, strict=False)] = (1,)
    ask: Annotated[tuple[Asked, ...], Field(min_length=1, strict=False)] = ("hypothesis", "direction", "confidence")
    optional: bool = False


class HeldOut(Part):
    """Whether the cause was repaired, not this picture alone: the plan is run on like failures and on all others.

    `rule` is over `fixed`, the share of like failures put right, and `broken`, the share of right pictures put wrong.
    """

    rule: Text
    show: bool = False  # whether the participant sees the result once the task is handed in


class Success(Part):
    """When a task counts as solved; computed from the state of the model, never from what anybody says."""

    rule: Text
    held_out: HeldOut | None = None


class Task(Part):
    """One failing picture to explain and repair."""

    picture: Text  # the kind of task picture that the bundle holds: word, word_2; or a file beside the script
    shows: Text | None = None  # what a picture of the script's own really shows
    supply: Text | None = None  # what to put there, where its picture does not come with the script
    similar: dict[Text, Text] = Field(
        default_factory=dict,
        description="Pictures beside the script that fail for the same cause, each with what it shows. No participant "
        "meets them: success.held_out counts which of them a plan puts right.",
    )
    truth: Truth = "shown"
    goal: Words
    fault: Key | None = None  # the kind of fault, for analysis; on no page
    sae: Key = "spatial"  # the name of a dictionary of the bundle
    labels: Annotated[tuple[Text, ...], Field(strict=False)] | None = None  # None: the bundle's own
    tools: Annotated[tuple[Tool, ...], Field(min_length=1, strict=False)]
    limits: Limits = Limits()
    expect: Expect | None = None
    answers: Answers
    success: Success | None = None
    ground_truth: GroundTruth | None = None

    @property
    def is_own_picture(self) -> bool:
        """Whether its picture is a file beside the script, and none of the bundle's."""
        return self.picture.lower().endswith(PICTURES)

    @property
    def files(self) -> tuple[str, ...]:
        """All pictures beside the script that it names."""
        return (*((self.picture,) if self.is_own_picture else ()), *self.similar)
