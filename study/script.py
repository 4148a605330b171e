"""The study script: one YAML file that says what a participant meets, read with every mistake named at once.

Reads the part of `tiller-study/1` that is built so far; a key outside of it is a mistake, not a wish.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.types import TillerError
from study.state import canonical, digest

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Tool = Literal["attribution", "suppress", "amplify", "set", "add", "undo", "redo", "reset"]


class ScriptError(TillerError):
    """A study script is wrong; `mistakes` holds one line for each, with its path in the file."""

    def __init__(self, path: Path, mistakes: list[str]) -> None:
        self.mistakes = tuple(mistakes)
        many = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "a mistake"
        super().__init__(f"The study script {path.name} has {many}; mend and load it again.\n" + "\n".join(mistakes))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Study(_Part):
    """Who runs what."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text
    stage: Literal["pilot", "main", "closed"] = "pilot"
    contact: Text


class ConsentScope(_Part):
    """One thing that is asked for by itself; refusing a required one ends the session."""

    key: Key
    required: bool
    label: Text


Days = Annotated[int, Field(ge=1, le=36500)]


class Retention(_Part):
    """How many days after a session's last row its parts are kept; for ever where nothing is said."""

    audio: Days | None = None  # recordings
    transcript: Days | None = None  # recordings, and what was said in them
    events: Days | None = None  # all rows of the session and about it


class Consent(_Part):
    """The consent text, a Markdown file beside the script, its scopes, and how long is kept what they allow."""

    text: Text
    scopes: Annotated[tuple[ConsentScope, ...], Field(min_length=1, strict=False)]
    retention_days: Retention = Retention()


class FreeText(_Part):
    """An answer in the participant's own words."""

    id: Key
    type: Literal["free_text"]
    label: Text
    help: Text | None = None
    required: bool = True


class Slider(_Part):
    """An answer on a scale; `start: null` shows no mark until the participant sets one."""

    id: Key
    type: Literal["slider"]
    label: Text
    min: int
    max: int
    low: Text | None = None
    high: Text | None = None
    start: int | None = None
    required: bool = True


Answer = Annotated[FreeText | Slider, Field(discriminator="type")]


class GroundTruth(_Part):
    """What really causes the failure; for analysis, on no participant's page."""

    cause: Text
    hidden: Literal[True] = True


class Task(_Part):
    """One failing picture to explain and repair."""

    picture: Key  # the kind of task picture that the bundle holds
    goal: Text
    sae: Literal["spatial", "cls"] = "spatial"
    labels: Annotated[tuple[Text, ...], Field(strict=False)] | None = None  # None: the bundle's own
    tools: Annotated[tuple[Tool, ...], Field(min_length=1, strict=False)]
    answers: Annotated[tuple[Answer, ...], Field(min_length=1, strict=False)]
    ground_truth: GroundTruth | None = None


class ThinkAloud(_Part):
    """What to say about speaking one's thoughts while working."""

    note: Text


class _File(_Part):
    schema_: Literal["tiller-study/1"] = Field(alias="schema")
    study: Study
    welcome: Text
    consent: Consent
    think_aloud: ThinkAloud | None = None
    tasks: Annotated[dict[Key, Task], Field(min_length=1)]
    debrief: Text


@dataclass(frozen=True, slots=True)
class StudyScript:
    """A script that was read and found right; `sha256` covers it and the texts it names, `json` holds them all."""

    study: Study
    welcome: str
    consent: Consent
    consent_text: str
    think_aloud: str
    tasks: dict[str, Task]
    debrief: str
    json: str

    @property
    def sha256(self) -> str:
        """Digest of `json`; it goes into every row of a session."""
        return digest(self.json)

    @property
    def consent_sha256(self) -> str:
        """Digest of the consent text as it is shown."""
        return digest(self.consent_text)


def load_script(path: Path) -> StudyScript:
    """Read and check a study script.

    Raises:
        ScriptError: with every mistake at once.
    """
    if not path.is_file():
        raise ScriptError(path, [f"(file): nothing is at {path}; name a YAML file, or leave TILLER_STUDY out."])
    try:
        source = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError(path, ["(file): not UTF-8; save it as UTF-8 text."]) from error
    return _read(path, source, lambda name: _beside(path, name))


def script_in(text: str) -> StudyScript:
    """The script whose `json` is `text`, as the record keeps it.

    Raises:
        ScriptError: this version reads it no longer.
    """
    held = json.loads(text)
    return _read(Path("on record"), held["script"], lambda name: held["files"].get(name, ""))


def _read(path: Path, source: str, beside: Callable[[str], str]) -> StudyScript:
    mistakes: list[str] = []
    loaded: Any = None
    try:
        loader = _Loader(source)
        loaded = loader.get_single_data()
        mistakes += loader.twice
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2026-99-99 and ten thousand brackets are not YAML's
        raise ScriptError(path, [f"(file): not YAML: {' '.join(str(error).split())}"]) from error
    try:
        file = _File.model_validate(loaded)
    except ValidationError as error:
        places = [one["loc"] for one in error.errors()]
        mistakes += [
            _mistake(one["loc"], one["msg"], one["type"])
            for one in error.errors()
            # a list whose items are wrong is said to be empty too, which is no mistake of the author's
            if one["type"] != "too_short" or not any(place[:-1] == one["loc"] for place in places)
        ]
        raise ScriptError(path, mistakes) from error
    consent_text = beside(file.consent.text)
    if not consent_text:
        name = file.consent.text
        mistakes.append(f"consent.text: no UTF-8 text {name} lies beside the script; write the text there.")
    mistakes += _beyond_the_schema(file)
    if mistakes:
        raise ScriptError(path, mistakes)
    return StudyScript(
        study=file.study,
        welcome=file.welcome,
        consent=file.consent,
        consent_text=consent_text,
        think_aloud=file.think_aloud.note if file.think_aloud else "",
        tasks=file.tasks,
        debrief=file.debrief,
        json=canonical({"script": source, "files": {file.consent.text: consent_text}}),
    )


def _beside(path: Path, name: str) -> str:
    """The text of the file `name` in the script's own folder; "" where there is none."""
    try:
        return path.with_name(name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # a name with a slash, bytes that are not UTF-8
        return ""


def _beyond_the_schema(file: _File) -> list[str]:
    mistakes = _doubles("consent.scopes", [scope.key for scope in file.consent.scopes])
    for key, task in file.tasks.items():
        where = f"tasks.{key}"
        mistakes += _doubles(f"{where}.answers", [answer.id for answer in task.answers])
        mistakes += _doubles(f"{where}.tools", list(task.tools))
        mistakes += _doubles(f"{where}.labels", list(task.labels or ()))
        for answer in task.answers:
            if isinstance(answer, Slider) and not answer.min < answer.max:
                mistakes.append(f"{where}.answers.{answer.id}: min {answer.min} is not below max {answer.max}.")
            if isinstance(answer, Slider) and answer.start is not None and not answer.min <= answer.start <= answer.max:
                mistakes.append(f"{where}.answers.{answer.id}: start {answer.start} lies outside the scale.")
    return mistakes


def _doubles(where: str, names: list[str]) -> list[str]:
    return [f"{where}: {name!r} stands twice; keep one." for name in sorted(set(names)) if names.count(name) > 1]


def _mistake(place: tuple[int | str, ...], message: str, kind: str) -> str:
    where = ".".join(map(str, place)) or "(file)"
    if kind == "extra_forbidden":
        return f"{where}: unknown key; take it out or correct its spelling."
    if kind == "missing":
        return f"{where}: missing; it is required."
    if kind in ("model_type", "dict_type"):
        return f"{where}: not a mapping; write `key: value` lines."
    if kind == "string_type":
        return f"{where}: not a text; put it in quotes, for YAML reads 1.3 as a number and no as false."
    return f"{where}: {message[0].lower()}{message[1:]}."


class _Loader(yaml.SafeLoader):
    """Plain YAML that remembers keys given twice, where PyYAML would silently keep the last."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.twice: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1
                self.twice.append(f"{name} (line {line}): this key stands twice; keep one.")
            seen.add(name)
        return super().construct_mapping(node, deep)
