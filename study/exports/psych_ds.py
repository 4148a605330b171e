"""A Psych-DS dataset: one tidy CSV a session under names that say study and session, and a description of all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from study.exports.beside import Beside
from study.exports.column import Column
from study.exports.columns import COLUMNS

DESCRIPTION = "dataset_description.json"
_NAME = re.compile(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv")


def table_name_of(study: object, table: str) -> str:
    """`data/study-demo_table-utterances_data.csv`, for what is not of one session."""
    return f"data/study-{_plain(study)}_table-{_plain(table)}_data.csv"


def name_of(study: object, participant: object, session: str) -> str:
    """`data/study-demo_participant-P01_session-4f..._data.csv`; ids lose what the format does not allow in them."""
    plain = map(_plain, (study, participant, session))
    name = "_".join(f"{key}-{part}" for key, part in zip(("study", "participant", "session"), plain, strict=True))
    return f"data/{name}_data.csv"


def _plain(part: object) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", str(part)) or "none"


def write_description(file: TextIO, *, name: str, tables: Sequence[Beside] = ()) -> int:
    """Write the description, which lists every column of the CSV files; return how many there are."""
    variables = {one.column: (one, dict.fromkeys([_meaning(one)])) for one in COLUMNS}
    for table in tables:
        for one in table.columns:
            variables.setdefault(one.column, (one, {}))[1].setdefault(_meaning(one))
    said = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": name,
        "description": "Interventions of participants who debug a vision model with Tiller, one row an event.",
        "variableMeasured": [
            {
                "@type": "PropertyValue",
                "name": one.column,
                "description": " Or: ".join(meanings),  # tables may mean different things by one name
                **({"unitText": one.unit} if one.unit else {}),
                **({"levels": one.levels.split("|")} if one.levels else {}),
            }
            for one, meanings in variables.values()
        ],
    }
    json.dump(said, file, indent=1, ensure_ascii=False)
    return len(variables)


def _meaning(one: Column) -> str:
    return f"{one.meaning} Empty: {one.empty}."


def check_description(path: Path) -> int:
    """Read the description back; its columns.

    Raises:
        ValueError: a field that the format asks for is missing.
    """
    said = json.loads(path.read_text(encoding="utf-8"))
    missing = {"@context", "@type", "name", "description", "variableMeasured"} - set(said)
    if missing or said["@type"] != "Dataset":
        raise ValueError(f"it lacks {', '.join(sorted(missing)) or 'the type Dataset'}")
    return len(said["variableMeasured"])


def check_name(name: str) -> None:
    """Refuse a file name that the format does not know.

    Raises:
        ValueError: it does not fit.
    """
    if not _NAME.fullmatch(name.removeprefix("data/")):
        raise ValueError(f"{name} is no Psych-DS name")
