"""Who runs the study with what: its identity, the model that is pinned, the modes, the ids, the consent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from study.script.part import LANGUAGE, Days, Key, Minutes, Part, Sha256, Text, Words

Language = Annotated[str, StringConstraints(pattern=LANGUAGE)]


class Study(Part):
    """Who runs what."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    title: Words
    stage: Literal["pilot", "main", "closed"] = "pilot"
    contact: Words
    languages: Annotated[tuple[Language, ...], Field(min_length=1, strict=False)] = ("en",)
    seed: Annotated[int, Field(ge=0)] = 0


class Runtime(Part):
    """What is pinned: a bundle with other digests is refused. What is left out is not compared."""

    preset: Text | None = None  # the name by which `tiller fetch` makes the bundle
    model_sha256: Sha256 | None = None
    spatial_sha256: Sha256 | None = None  # the dictionary of that name
    cls_sha256: Sha256 | None = None
    dictionaries_sha256: dict[Key, Sha256] = Field(default_factory=dict)  # those of other names


class Moderated(Part):
    """Sessions on a call, with somebody at the console."""

    observers: Annotated[int, Field(ge=0, le=50)] = 3
    controls: Annotated[
        tuple[Literal["note", "prompt", "extend", "skip", "pause", "mark_clock"], ...], Field(strict=False)
    ] = ("note", "prompt", "extend", "skip", "pause", "mark_clock")


class Remote(Part):
    """Sessions at home, with nobody there."""

    open: bool = False  # whether anybody who finds the address may begin, without a link
    devices: Annotated[tuple[Literal["desktop", "touch"], ...], Field(min_length=1, strict=False)] = ("desktop",)
    min_viewport: Annotated[tuple[int, int], Field(strict=False)] = (1000, 700)  # CSS pixels, width and height
    max_minutes: Minutes | None = None
    resume_window_hours: Annotated[float, Field(gt=0, le=24 * 365, strict=False)] | None = None
    after_window: Literal["close", "ask"] = "close"
    second_tab: Literal["refuse", "take_over"] = "take_over"


class Modes(Part):
    """The ways the study is run; `remote: null` switches one off."""

    moderated: Moderated | None = Moderated()
    remote: Remote | None = Remote()


Param = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Completion(Part):
    """A code for each way that a session can end, shown once the end is on record."""

    completed: Code | None = None
    no_consent: Code | None = None
    screened_out: Code | None = None
    withdrawn: Code | None = None
    timed_out: Code | None = None
    rejected: Code | None = None


class Ids(Part):
    """Ids that a recruiter's link brings along: kept apart from the log, as a keyed hash."""

    pid_param: Param | None = None
    extra_params: Annotated[tuple[Param, ...], Field(strict=False)] = ()
    completion: Completion = Completion()
    return_url: Annotated[str, StringConstraints(pattern=r"^https://[^\s<>\"]+$")] | None = None  # {code} is put in


class ConsentScope(Part):
    """One thing that is asked for by itself; refusing a required one ends the session."""

    key: Key
    required: bool
    label: Words


class Retention(Part):
    """How many days after a session's last row its parts are kept; for ever where nothing is said."""

    audio: Days | None = None  # recordings
    transcript: Days | None = None  # recordings, and what was said in them
    events: Days | None = None  # all rows of the session and about it


class Consent(Part):
    """The consent text, a Markdown file beside the script, its scopes, and how long is kept what they allow."""

    text: Words  # the file's name
    scopes: Annotated[tuple[ConsentScope, ...], Field(min_length=1, strict=False)]
    retention_days: Retention = Retention()


class InstrumentUse(Part):
    """A questionnaire of the shipped ones, or one of the script's own beside it, and when it is put."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    at: Literal["end", "after_each_task"] = "end"
    tool_name: Words | None = None  # what the items call the thing that they ask about
    items: Text | None = None  # a file beside the script with items that may not be shipped
