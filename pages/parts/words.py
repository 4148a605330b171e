"""The words of the interface: every sentence that a participant reads and no script writes, in each language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
import yaml

_FOLDER = Path(__file__).parent / "words"
LANGUAGES = tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
FIRST = "en"
_SLOT = "language"


def say(key: str, language: str | None = None, **values: object) -> str:
    """The words of `key`, with `values` in their places; in the language of this page's participant if none is named.

    A language without a catalogue reads the English one.
    """
    return catalogue(language or spoken())[key].format(**values)


def spoken() -> str:
    """The language of this page."""
    return str(st.session_state.get(_SLOT) or FIRST)


def speak(language: str) -> None:
    """Have this window's pages say their words in `language` from here on."""
    st.session_state[_SLOT] = language


def words_for(part: str, language: str | None = None) -> dict[str, str]:
    """The words of one part of the catalogue, for a component that puts in the values itself."""
    begin = f"{part}."
    known = catalogue(language or spoken())
    return {key.removeprefix(begin): words for key, words in known.items() if key.startswith(begin)}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All words of one language by their keys: `consent.agree`."""
    name = language if language in LANGUAGES else FIRST
    return dict(_flat(yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")), ""))


def _flat(held: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for key, value in held.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
