"""YAML read with mistrust: keys given twice are remembered, and every place in the file knows its line."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

import yaml

Place = tuple[int | str, ...]


class Loader(yaml.SafeLoader):
    """Plain YAML that remembers keys given twice, where PyYAML would silently keep the last."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.twice: list[tuple[int, str]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping as PyYAML makes it; `twice` gets the line of each key that stood there already."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                self.twice.append((key.start_mark.line + 1, f"{name}: this key stands twice; keep one."))
            seen.add(name)
        return super().construct_mapping(node, deep)


def lines_of(source: str) -> dict[Place, int]:
    """The line, from 1, of each key and each item of a sequence, by its path; aliases stand where they are used."""
    found: dict[Place, int] = {(): 1}
    root = yaml.SafeLoader(source).get_single_node()
    if root is not None:
        _walk(root, (), found, 0)
    return found


def line_at(lines: dict[Place, int], place: Sequence[int | str]) -> int:
    """The line of `place`, or of the nearest place around it that the file has."""
    here = tuple(place)
    while here not in lines:
        here = here[:-1]
    return lines[here]


def _walk(node: yaml.Node, place: Place, found: dict[Place, int], depth: int) -> None:
    if depth > 40 or len(found) > 100_000:  # an alias may stand for something without end
        return
    children: list[tuple[int | str, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        children = [(str(key.value), key, value) for key, value in pairs]
    elif isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        children = [(number, item, item) for number, item in enumerate(items)]
    for name, mark, value in children:
        found[(*place, name)] = mark.start_mark.line + 1
        _walk(value, (*place, name), found, depth + 1)


def in_language(loaded: object, languages: Sequence[str], language: str) -> tuple[object, list[tuple[Place, str]]]:
    """`loaded` with the text of `language` in place of each mapping by language, and where there is none."""
    missing: list[tuple[Place, str]] = []

    def walk(value: object, place: Place) -> object:
        if isinstance(value, list):
            return [walk(one, (*place, number)) for number, one in enumerate(cast("list[object]", value))]
        if not isinstance(value, dict):
            return value
        held = cast("dict[Any, object]", value)
        if held and all(key in languages for key in held):
            if language not in held:
                missing.append((place, language))
                return next(iter(held.values()))
            return held[language]
        return {key: walk(one, (*place, str(key))) for key, one in held.items()}

    return walk(loaded, ()), missing
