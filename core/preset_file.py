"""The file of presets is read with mistrust: every unknown key and every value of a wrong kind is told its line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import yaml

from core.hub import Wanted
from core.presets import Figure, Preset, Published
from core.types import EMBEDDING, Block, TillerError, TokenSet

HERE = Path(__file__).resolve().parent.parent / "data" / "presets.yaml"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
REPO = re.compile(r"[\w.-]+/[\w.-]+")


def read_presets(path: Path = HERE) -> dict[str, Preset]:
    """Every preset of the file, by its name.

    Raises:
        TillerError: with every mistake in the file, and its line.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise TillerError(f"{path} is no YAML file that can be read ({' '.join(str(wrong).split())}).") from wrong
    reading = _Reading()
    found = {name: _preset(reading, name, node) for name, node in reading.pairs(root, "the file", NAME).items()}
    if reading.mistakes:
        raise TillerError(f"{path} has mistakes; mend them.\n" + "\n".join(reading.mistakes))
    return found


class _Reading:
    """Nodes of YAML turned into values; what is wrong is kept with its line, and reading goes on."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def wrong(self, node: yaml.Node | None, words: str) -> None:
        self.mistakes.append(f"line {node.start_mark.line + 1 if node else 1}: {words}")

    def pairs(self, node: yaml.Node | None, what: str, names: re.Pattern[str] | None = None) -> dict[str, yaml.Node]:
        """A mapping's values by key; keys given twice and names that are none are mistakes."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} is no mapping; write `key: value` lines.")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value in found:
                self.wrong(key, f"{key.value} stands twice in {what}; keep one.")
            if names is not None and not names.fullmatch(str(key.value)):
                self.wrong(key, f"{key.value!r} is no name; use small letters, digits, - and _.")
            found[str(key.value)] = value
        return found

    def known(
        self, node: yaml.Node | None, what: str, due: tuple[str, ...], more: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """A mapping with the keys `due`, and maybe those of `more`, and no other; values are nodes."""
        found = self.pairs(node, what)
        for name in found.keys() - {*due, *more}:
            self.wrong(found[name], f"{name} is no key of {what}; its keys are {', '.join((*due, *more))}.")
        for name in due:
            if name not in found:
                self.wrong(node, f"{what} lacks {name}.")
        return cast("dict[str, Any]", found)

    def value(self, node: yaml.Node | None, what: str, sound: Callable[[Any], bool], due: str) -> Any:
        if node is None:
            return None
        loader = yaml.SafeLoader("")
        value: Any = loader.construct_document(node)
        if not sound(value):
            self.wrong(node, f"{what} is {value!r}; it must be {due}.")
            return None
        return value

    def text(self, node: yaml.Node | None, what: str) -> str:
        return self.value(node, what, lambda said: isinstance(said, str) and bool(said.strip()), "a text") or ""

    def number(self, node: yaml.Node | None, what: str, least: float = 0.0) -> float:
        def sound(said: Any) -> bool:
            number = isinstance(said, int | float) and not isinstance(said, bool)
            return number and math.isfinite(said) and said >= least

        return self.value(node, what, sound, f"a number from {least:g}") or 0.0


def _preset(reading: _Reading, name: str, node: yaml.Node) -> Preset:
    said = reading.known(node, f"preset {name}", ("title", "model", "dictionaries"))
    model = reading.known(said.get("model"), f"the model of {name}", ("name",), ("pretrained",))
    return Preset(
        name=name,
        title=reading.text(said.get("title"), "title"),
        model=reading.text(model.get("name"), "name"),
        pretrained=reading.text(model["pretrained"], "pretrained") if "pretrained" in model else None,
        dictionaries={
            which: _published(reading, name, which, one)
            for which, one in reading.pairs(said.get("dictionaries"), f"dictionaries of {name}", NAME).items()
        },
    )


def _published(reading: _Reading, preset: str, which: str, node: yaml.Node) -> Published:
    what = f"dictionary {which} of {preset}"
    more = ("repo", "files", "revision", "by_hand", "from", "published")
    said = reading.known(node, what, ("block", "tokens"), more)
    tokens = get_args(TokenSet)
    if ("by_hand" in said) == ("repo" in said):
        reading.wrong(node, f"{what} has either repo and files, or by_hand and from.")
    pair = ("by_hand", "from") if "by_hand" in said else ("repo", "files")
    for name in pair:
        if name not in said:
            reading.wrong(node, f"{what} lacks {name}.")
    if "by_hand" in said:
        wanted = Wanted(preset, ((reading.text(said["by_hand"], "by_hand"),),))
    else:
        repo = reading.value(
            said.get("repo"), "repo", lambda one: isinstance(one, str) and bool(REPO.fullmatch(one)), "ORG/NAME"
        )
        files = reading.value(said.get("files"), "files", _are_groups, "a list of lists of names") or [[]]
        revision = reading.text(said["revision"], "revision") if "revision" in said else "main"
        wanted = Wanted(repo or "", tuple(tuple(group) for group in files), revision)
    figures = said.get("published")
    return Published(
        wanted=wanted,
        block=_block(reading, said.get("block")),
        tokens=reading.value(said.get("tokens"), "tokens", lambda one: one in tokens, f"one of {', '.join(tokens)}"),
        by_hand=reading.text(said["from"], "from") if "from" in said else "",
        figures=_figures(reading, what, figures) if figures is not None else {},
    )


def _block(reading: _Reading, node: yaml.Node | None) -> Block:
    if node is not None and node.value == EMBEDDING:
        return EMBEDDING
    return int(reading.number(node, "block"))


def _figures(reading: _Reading, what: str, node: yaml.Node) -> Mapping[str, Figure]:
    found: dict[str, Figure] = {}
    for name, one in reading.pairs(node, f"published of {what}", NAME).items():
        said = reading.known(one, f"figure {name} of {what}", ("value", "tolerance", "source"))
        found[name] = Figure(
            value=reading.number(said.get("value"), "value", -math.inf),
            tolerance=reading.number(said.get("tolerance"), "tolerance"),
            source=reading.text(said.get("source"), "source"),
        )
    return found


def _are_groups(said: Any) -> bool:
    groups = isinstance(said, list) and said and all(isinstance(group, list) and group for group in said)
    return bool(groups) and all(isinstance(name, str) and ".." not in name for group in said for name in group)
