"""A study script read, with every mistake named at once: its line, its path, and what to write instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from core.types import TillerError
from study.loader import Loader, Place, in_language, line_at, lines_of
from study.script.advice import advised
from study.script.checks import beyond_the_schema
from study.script.file import Guide, ScriptFile
from study.script.names import names_in
from study.script.questionnaires import wrong_instruments
from study.script.sequence import Arm, Condition, Page, Sequence, TaskSet, pages_in
from study.script.setting import Consent, Ids, InstrumentUse, Modes, Runtime, Study
from study.script.talk import ThinkAloud
from study.script.tasks import Task
from study.state import canonical, digest

LANGUAGE = "en"


class ScriptError(TillerError):
    """A study script is wrong; `mistakes` holds one line for each, with its place in the file.

    `preset` is the one that it names, as far as it could be read: whether that is there can be said at once.
    """

    def __init__(self, path: Path, mistakes: list[str], preset: str | None = None) -> None:
        self.mistakes = tuple(mistakes)
        self.preset = preset
        many = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "a mistake"
        super().__init__(f"The study script {path.name} has {many}; mend and load it again.\n" + "\n".join(mistakes))


@dataclass(frozen=True, slots=True, eq=False)
class StudyScript:
    """A script that was read and found right, in one language.

    `sha256` covers it and the texts it names, `json` holds them all.
    """

    study: Study
    runtime: Runtime
    modes: Modes
    ids: Ids
    welcome: str
    consent: Consent
    consent_text: str
    conditions: dict[str, Condition]
    arms: dict[str, Arm]
    think_aloud: ThinkAloud | None
    instruments: tuple[InstrumentUse, ...]
    guide: tuple[Guide, ...]
    sequence: Sequence | None
    task_sets: dict[str, TaskSet]
    tasks: dict[str, Task]
    debrief: str
    texts: dict[str, str]  # the Markdown files that it names
    names: Mapping[str, type]  # what its rules may ask about
    advice: tuple[str, ...]  # what is no mistake, and yet most authors would not want
    language: str
    json: str

    @property
    def sha256(self) -> str:
        """Digest of `json`; it goes into every row of a session."""
        return digest(self.json)

    @property
    def consent_sha256(self) -> str:
        """Digest of the consent text as it is shown."""
        return digest(self.consent_text)

    @property
    def aloud(self) -> str:
        """What is said beforehand of thinking aloud; empty where nobody is asked to."""
        return self.think_aloud.note if self.think_aloud else ""

    def in_language(self, language: str) -> StudyScript:
        """The same script in another of its languages; in its first where it has no such."""
        known = self.study.languages
        return _in_language(self.json, language if language in known else known[0])

    def text(self, named: str) -> str:
        """Markdown that stands in the script, or in the file beside it that it names."""
        return self.texts.get(named, named)


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
    return _read(path, source, lambda name: _beside(path, name), lambda name: _digest(path, name))


def script_in(text: str) -> StudyScript:
    """The script whose `json` is `text`, as the record keeps it.

    Raises:
        ScriptError: this version reads it no longer.
    """
    return _in_language(text, "")


@cache
def _in_language(text: str, language: str) -> StudyScript:
    held = json.loads(text)
    texts, pictures = held["files"], held.get("pictures", {})
    return _read(
        Path("on record"),
        held["script"],
        lambda name: texts.get(name, ""),
        lambda name: pictures.get(name, ""),
        language,
    )


def _read(
    path: Path, source: str, beside: Callable[[str], str], digest_of: Callable[[str], str], language: str = ""
) -> StudyScript:
    try:
        loader = Loader(source)
        loaded = loader.get_single_data()
        lines = lines_of(source)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2026-99-99 and ten thousand brackets are not YAML's
        raise ScriptError(path, [f"(file): not YAML: {' '.join(str(error).split())}"]) from error
    languages = _languages(loaded)
    found: list[tuple[int, str]] = list(loader.twice)
    files: dict[str, ScriptFile] = {}
    texts: dict[str, str] = {}
    pictures: dict[str, str] = {}
    for one in languages:
        spoken, missing = in_language(loaded, languages, one)
        found += [_at(lines, place, f"no text in {one}; study.languages names it.") for place, one in missing]
        try:
            files[one] = ScriptFile.model_validate(spoken)
        except ValidationError as error:
            found += _mistakes(error, lines)
            continue
        for name in _named(files[one]):
            texts[name] = beside(name)
        own = {name for task in files[one].tasks.values() for name in task.files}
        pictures |= {name: digest_of(name) for name in sorted(own)}
        found += [_at(lines, place, words) for place, words in beyond_the_schema(files[one], {**texts, **pictures})]
        found += [_at(lines, place, words) for place, words in wrong_instruments(files[one], texts, one)]
    if found:
        preset = next((file.runtime.preset for file in files.values()), None)
        raise ScriptError(path, [f"line {line}: {words}" for line, words in sorted(dict.fromkeys(found))], preset)
    spoken_in = language or languages[0]
    file = files[spoken_in]
    values = {name: getattr(file, name) for name in ScriptFile.model_fields if name != "schema_"}
    return StudyScript(
        **values,
        consent_text=texts[file.consent.text],
        texts=texts,
        names=names_in(file),
        advice=tuple(f"line {line}: {words}" for line, words in (_at(lines, *one) for one in advised(file))),
        language=spoken_in,
        # scripts without pictures of their own keep the digest that they always had
        json=canonical({"script": source, "files": texts} | ({"pictures": pictures} if pictures else {})),
    )


def _languages(loaded: object) -> tuple[str, ...]:
    study = cast("dict[str, Any]", loaded).get("study") if isinstance(loaded, dict) else None
    named = cast("dict[str, Any]", study).get("languages") if isinstance(study, dict) else None
    return tuple(map(str, cast("list[object]", named))) if isinstance(named, list) and named else (LANGUAGE,)


def _named(file: ScriptFile) -> list[str]:
    """The texts beside the script that it names."""
    pages: tuple[Page, ...] = () if file.sequence is None else pages_in(file.sequence)
    named = [page.text for page in pages if page.text and page.text.endswith(".md")]
    items = [one.items for one in file.instruments if one.items]
    aloud = [file.think_aloud.warmup] if file.think_aloud and file.think_aloud.warmup else []
    return [file.consent.text, *named, *items, *(one for one in aloud if one.endswith(".md"))]


def _beside(path: Path, name: str) -> str:
    """The text of the file `name` in the script's own folder; "" where there is none."""
    try:
        return path.with_name(name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # a name with a slash, bytes that are not UTF-8
        return ""


def _digest(path: Path, name: str) -> str:
    """SHA-256 of a picture in the script's own folder, or in one within it; "" where there is none."""
    picture = (path.parent / name).resolve()
    inside = picture.is_relative_to(path.parent.resolve()) and picture.is_file()
    return hashlib.sha256(picture.read_bytes()).hexdigest() if inside else ""


def _at(lines: dict[Place, int], place: Place, words: str) -> tuple[int, str]:
    return line_at(lines, place), f"{'.'.join(map(str, place)) or '(file)'}: {words}"


def _mistakes(error: ValidationError, lines: dict[Place, int]) -> list[tuple[int, str]]:
    every = error.errors(include_url=False)
    places = [_place(one["loc"]) for one in every]
    return [
        _at(lines, place, _sentence(one["msg"], one["type"]))
        for one, place in zip(every, places, strict=True)
        # a list whose items are wrong is said to be empty too, which is no mistake of the author's
        if one["type"] != "too_short" or not any(other[:-1] == place for other in places)
    ]


_TAGS = ("page", "phases", "phase", "free_text", "slider", "choice")


def _place(told: tuple[int | str, ...]) -> Place:
    """The path in the file: without the names of a union's members, which follow an item's number."""
    return tuple(
        part
        for number, part in enumerate(told)
        if not (part in _TAGS and number and isinstance(told[number - 1], int)) and part != "[key]"
    )


def _sentence(message: str, kind: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key; take it out or correct its spelling."
    if kind == "missing":
        return "missing; it is required."
    if kind in ("model_type", "dict_type"):
        return "not a mapping; write `key: value` lines."
    if kind == "string_type":
        return "not a text; put it in quotes, for YAML reads 1.3 as a number and no as false."
    told = message.removeprefix("Value error, ")
    return f"{told[0].lower()}{told[1:]}."
