"""One column of an export: its meaning, where its values come from, what an empty cell says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `source` is who made its values: log, engine, script, browser or participant."""

    column: str
    type: str
    unit: str
    levels: str
    empty: str
    source: str
    meaning: str


def col(
    name: str, kind: str, source: str, meaning: str, *, unit: str = "", levels: str = "", empty: str = "never empty"
) -> Column:
    """A column, with what its empty cell says; most never have one."""
    return Column(name, kind, unit, levels, empty, source, meaning)


NOT_HERE = "not a fact of this kind of event, or its payload was erased"
