"""Instruments from their files: those that ship in `data/instruments`, and those that lie beside a study script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from core.types import TillerError
from study.instruments.file import InstrumentFile, ItemPart, beyond_the_schema
from study.instruments.instrument import Instrument, Item, Scale, Subscale
from study.loader import Loader, in_language
from study.settings import HOME
from study.state import digest

SHIPPED = HOME / "data" / "instruments"
OWN_SCORINGS = ("mean", "sum")  # the others belong to one published instrument each
_TOOL = re.compile(r"(^|[.!?] )?\{tool\}")


def known_instruments() -> tuple[str, ...]:
    """The ids of the instruments that ship."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def load_instrument(
    id: str, beside: Path | None = None, *, language: str = "en", tool_name: str | None = None
) -> Instrument:
    """The instrument `id`; `beside` is the file that the script names for it.

    That file holds the items, one a line, of an instrument that ships without them, or the whole of the researcher's
    own in YAML. `tool_name` is what the items call the thing that they ask about.

    Raises:
        TillerError: no such instrument or file, too few or too many items, no text in that language, or a file with
            mistakes.
    """
    if beside is None:
        return instrument_in(id, language=language, tool_name=tool_name)
    try:
        pasted = beside.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TillerError(f"Instrument {id}: no UTF-8 text is at {beside.name}; write it beside the script.") from error
    return instrument_in(id, pasted, language=language, tool_name=tool_name)


def instrument_in(
    id: str, pasted: str | None = None, *, language: str = "en", tool_name: str | None = None
) -> Instrument:
    """As `load_instrument`, with the text of the file in place of its path."""
    if id in known_instruments():
        source, lines = (SHIPPED / f"{id}.yaml").read_text(encoding="utf-8"), _lines(pasted)
        file = _parsed(id, source, language)
        _check_paste(id, file, lines if pasted is not None else None)
        return _made(id, file, lines, language, tool_name)
    if pasted is None:
        known = ", ".join(known_instruments())
        raise TillerError(
            f"No instrument {id!r} ships; there are {known}. For one of your own, write a YAML file beside the script "
            "and name it in `items`."
        )
    file = _parsed(id, pasted, language)
    name = file.id or id
    if name in known_instruments() or id not in (name, "custom"):
        raise TillerError(f"Instrument {id}: its file says `id: {name}`; give both the same id, and no shipped one.")
    if file.pasted or file.scoring not in OWN_SCORINGS:
        ways = " or ".join(OWN_SCORINGS)
        raise TillerError(f"Instrument {id}: one of your own lists its items and has `scoring: {ways}`.")
    return _made(name, file, (), language, tool_name, stamp=pasted)


def _lines(pasted: str | None) -> tuple[str, ...]:
    every = (line.strip() for line in (pasted or "").splitlines())
    return tuple(line for line in every if line and not line.startswith("#"))


def _check_paste(id: str, file: InstrumentFile, lines: Sequence[str] | None) -> None:
    if file.pasted is None and lines is not None:
        raise TillerError(f"Instrument {id} ships with its items; leave `items` out of the script.")
    if file.pasted is not None and lines is None:
        raise TillerError(
            f"Instrument {id} ships without its items, for no open licence of them is known; put its {file.pasted} "
            "items, one a line, into a file beside the script and name it in `items`."
        )
    if file.pasted is not None and lines is not None and len(lines) != file.pasted:
        raise TillerError(
            f"Instrument {id} has {file.pasted} items; the file beside the script has {len(lines)} lines. Write one "
            "item a line."
        )


@cache
def _parsed(id: str, source: str, language: str) -> InstrumentFile:
    try:
        loader = Loader(source)
        loaded = cast("object", loader.get_single_data())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TillerError(f"The file of instrument {id} is not YAML: {' '.join(str(error).split())}") from error
    mistakes = [f"line {line}: {words}" for line, words in loader.twice]
    spoken, languages = loaded, _languages(loaded)
    if languages and language not in languages:
        raise TillerError(f"Instrument {id} has no text in {language!r}; it has {', '.join(languages)}.")
    if languages:
        spoken, missing = in_language(loaded, languages, language)
        mistakes += [f"{_path(place)}: no text in {one}." for place, one in missing]
    try:
        file = InstrumentFile.model_validate(spoken)
    except ValidationError as error:
        mistakes += [f"{_path(one['loc'])}: {one['msg']}." for one in error.errors()]
        raise _wrong(id, mistakes) from error
    mistakes += beyond_the_schema(file)
    if mistakes:
        raise _wrong(id, mistakes)
    return file


def _languages(loaded: object) -> tuple[str, ...]:
    named = cast("Mapping[str, Any]", loaded).get("languages") if isinstance(loaded, dict) else None
    return tuple(map(str, cast("list[object]", named))) if isinstance(named, list) else ()


def _path(place: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in place) or "(file)"


def _wrong(id: str, mistakes: Sequence[str]) -> TillerError:
    many = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "a mistake"
    return TillerError(f"The file of instrument {id} has {many}; mend and load it again.\n" + "\n".join(mistakes))


def _made(
    id: str, file: InstrumentFile, lines: Sequence[str], language: str, tool_name: str | None, stamp: str | None = None
) -> Instrument:
    tool = tool_name or file.tool
    bare = [ItemPart(text=one) if isinstance(one, str) else one for one in (*file.items, *lines)]

    def named(text: str | None) -> str:
        if not text or "{tool}" not in text:
            return text or ""
        if not tool:
            raise TillerError(f"Instrument {id} speaks of {{tool}}; say in the script what it is, as `tool_name`.")
        return _TOOL.sub(partial(_begun, tool), text)

    items = tuple(
        Item(
            one.id or str(number),
            named(one.text),
            one.heading or "",
            named(one.low),
            named(one.high),
            number in file.reversed,
        )
        for number, one in enumerate(bare, start=1)
    )
    parts = [Subscale(name, tuple(items[at - 1].id for at in which)) for name, which in file.subscales.items()]
    if file.whole:
        parts.append(Subscale("", tuple(item.id for item in items)))
    told = "\n".join(lines) if lines else stamp
    # What people paste is part of the version: scores of two wordings are told apart.
    version = f"{file.version}+{digest(told)[:8]}" if told else file.version
    scale = file.scale
    return Instrument(
        id=id,
        version=version,
        language=language,
        title=file.title,
        instruction=" ".join(filter(None, (file.instruction, named(file.about) if tool_name else ""))),
        items=items,
        scale=Scale(
            scale.drawn,
            scale.min,
            scale.max,
            scale.step,
            tuple(sorted(scale.anchors.items())),
            scale.no_response or "",
        ),
        direction=file.direction,
        subscales=tuple(parts),
        missing=file.missing,
        scoring=file.scoring,
        licence=file.licence,
        citation=file.citation,
        wording=file.wording,
    )


def _begun(tool: str, found: re.Match[str]) -> str:
    before: str | None = found[1]  # None within a sentence
    return tool if before is None else before + tool[:1].upper() + tool[1:]
