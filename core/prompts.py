"""Class names and prompt templates as they are given, checked before a model is there."""

from __future__ import annotations

from collections.abc import Sequence

from core.types import TillerError


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The class names without surrounding space; refuses none, empty ones and, letter case aside, equal ones."""
    if isinstance(labels, str):
        raise TillerError(f"Class names came as one text, '{labels}'; give a list of names.")
    names = tuple(label.strip() for label in labels)
    if not names:
        raise TillerError("No class names were given; zero-shot prediction needs at least one, such as 'apple'.")
    if "" in names:
        raise TillerError(f"Class name {names.index('') + 1} of {len(names)} is empty; name it or leave it out.")
    # CLIP's tokenizer lowers all letters: 'Apple' and 'apple' are one text
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise TillerError(f"Class name '{name}' is there twice among {len(names)} names; keep one of them.")
        seen.add(name.casefold())
    return names


def checked_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """The prompt templates; refuses none, and any without the place `{}` for the class name."""
    if isinstance(templates, str):
        raise TillerError(f"Templates came as one text, '{templates}'; give a list of templates.")
    if not templates:
        raise TillerError("No prompt templates were given; at least one is needed, such as 'a photo of a {}'.")
    for template in templates:
        if "{}" not in template:
            raise TillerError(f"Template '{template}' has no place for the class name; write {{}} where it goes.")
    return tuple(templates)


def refuse_lone_class(count: int) -> None:
    """Refuse a margin where it has no second class to be against."""
    if count < 2:
        raise TillerError(f"A margin was asked for with {count} class; it takes two: add a class name.")
