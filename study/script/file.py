"""The whole of a script's file, as pydantic checks it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.script.part import Key, Part, Text, Words
from study.script.sequence import Arm, Condition, Sequence, TaskSet
from study.script.setting import Consent, Ids, InstrumentUse, Modes, Runtime, Study
from study.script.talk import ThinkAloud
from study.script.tasks import Task


class Guide(Part):
    """One question of the moderator's guide."""

    id: Key
    text: Words
    at: Text = "any"  # the stop it belongs to: a task's or phase's id, or `any`


class ScriptFile(Part):
    """A study script of the form `tiller-study/1`."""

    schema_: Literal["tiller-study/1"] = Field(alias="schema")
    study: Study
    runtime: Runtime = Runtime()
    modes: Modes = Modes()
    ids: Ids = Ids()
    welcome: Words
    consent: Consent
    conditions: dict[Key, Condition] = Field(default_factory=dict)
    arms: dict[Key, Arm] = Field(default_factory=dict)
    think_aloud: ThinkAloud | None = None
    instruments: Annotated[tuple[InstrumentUse, ...], Field(strict=False)] = ()
    guide: Annotated[tuple[Guide, ...], Field(strict=False)] = ()
    sequence: Sequence | None = None
    task_sets: dict[Key, TaskSet] = Field(default_factory=dict)
    tasks: Annotated[dict[Key, Task], Field(min_length=1)]
    debrief: Words
