"""Whether each questionnaire that a script names exists and can be put in each of its languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.types import TillerError
from study.instruments import instrument_in
from study.loader import Place
from study.script.file import ScriptFile


def wrong_instruments(file: ScriptFile, texts: Mapping[str, str], language: str) -> Iterator[tuple[Place, str]]:
    """A mistake for each that cannot be read; `texts` are the files beside the script, "" where there is none."""
    for number, use in enumerate(file.instruments):
        pasted = texts[use.items] if use.items else None
        if pasted != "":  # a file that is not there is named already
            try:
                instrument_in(use.id, pasted, language=language, tool_name=use.tool_name)
            except TillerError as error:
                yield ("instruments", number), str(error)
