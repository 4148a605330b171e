"""Events: whatever happens survives the way into the log and back, for ever."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Edit, Op, Scope
from study.class_events import ClassesChanged
from study.coding_events import Entry, Measured
from study.events import KINDS, SCHEMA_VERSION, Event, UnknownKind, event_in, payload_of
from study.exports.columns import NAMES
from study.predictions import Chance, Shown
from study.state import Pinned, canonical
from study.system_events import ExportedFile

numbers = st.floats(allow_nan=False)
finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(codec="utf-8"), max_size=30)
components = st.integers(0, 2**31)
scopes = st.sampled_from([Scope.ACTIVE, Scope.ALL, Scope.CLASS])
edits = st.one_of(
    st.builds(Edit, components, st.sampled_from(Op), finite, scopes),
    st.builds(Edit, components, st.sampled_from(Op), finite, st.just(Scope.PATCHES), st.tuples(st.integers(0, 255))),
)
pins = st.builds(
    Pinned,
    explanation=st.none() | words,
    **dict.fromkeys(("model_sha256", "dictionary_sha256", "image_sha256", "labels_sha256"), words),
)
seen = st.builds(
    Shown,
    state_id=words,
    edits=st.lists(edits, max_size=3, unique_by=lambda edit: edit.component).map(
        lambda some: tuple(sorted(some, key=lambda edit: edit.component))
    ),
    logits=st.just("0000803f"),
    top=st.lists(st.builds(Chance, words, numbers), max_size=2).map(tuple),
)
entries = st.builds(Entry, **dict.fromkeys(("id", "name", "definition", "example"), words), parent=st.none() | words)
measured = st.builds(
    Measured, of=words, layer=words, statistic=words, units=components, value=st.none() | numbers, reason=words
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "str": words,
    "str | None": st.none() | words,
    "int": components,
    "int | None": st.none() | components,
    "bool": st.booleans(),
    "bool | None": st.none() | st.booleans(),
    "Real": numbers,
    "Real | None": st.none() | numbers,
    "Scope": scopes,
    "Shown": seen,
    "Pinned": pins,
    "LoggedEdit": edits,
    "LoggedEdit | None": st.none() | edits,
    "Shown | None": st.none() | seen,
    "tuple[str, ...]": st.lists(words, max_size=3).map(tuple),
    "tuple[int, ...]": st.lists(components, max_size=3).map(tuple),
    "dict[str, int]": st.dictionaries(words, components, max_size=3),
    "tuple[ExportedFile, ...]": st.lists(
        st.builds(ExportedFile, file=words, bytes=components, sha256=words, rows=components), max_size=2
    ).map(tuple),
    "dict[str, str]": st.dictionaries(words, words, max_size=3),
    "tuple[Entry, ...]": st.lists(entries, max_size=2).map(tuple),
    "tuple[Measured, ...]": st.lists(measured, max_size=2).map(tuple),
    "dict[str, tuple[str, ...]]": st.dictionaries(words, st.lists(words, max_size=2).map(tuple), max_size=2),
}


def happenings(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(kind, **{field.name: FIELDS[str(field.type)] for field in fields(kind)})


@given(st.sampled_from(get_args(Event)).flatmap(happenings))
def test_every_event_survives_a_round_trip(event: Event) -> None:
    text = canonical(payload_of(event))
    back = event_in(event.name, text)
    assert back == event
    assert canonical(payload_of(back)) == text
    json.loads(text.encode("utf-8"))


@given(st.sampled_from(get_args(Event)).flatmap(happenings))
def test_every_cell_of_every_event_is_in_the_data_dictionary(event: Event) -> None:
    assert set(event.cells()) <= set(NAMES)


TYPED = ("text", "reason", "hypothesis", "memo", "speaker", "title")  # fields that people fill with words of their own


@given(st.sampled_from(get_args(Event)).flatmap(happenings))
def test_what_people_type_is_said(event: Event) -> None:
    typed = {getattr(event, name) for name in TYPED if hasattr(event, name)}
    if isinstance(event, ClassesChanged):
        typed |= {*event.labels, *event.templates}
    assert typed == set(event.said())


def test_every_kind_has_a_name_of_its_own() -> None:
    assert len(KINDS) == len(get_args(Event))
    assert all(name.count(".") == 1 for name in KINDS)


def test_an_unknown_kind_is_named_with_what_to_do() -> None:
    with pytest.raises(UnknownKind, match=r"'session\.dreamt'.*Read this log with the version"):
        event_in("session.dreamt", "{}")


ROWS = [json.loads(line) for line in (Path(__file__).parent / "rows_version_1.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["name"]))
def test_rows_of_old_versions_still_read(row: dict[str, Any]) -> None:
    event = event_in(row["name"], json.dumps(row["payload"]))
    for name, value in row["reads_as"].items():
        assert getattr(event, name) == value


def test_a_row_of_every_kind_of_this_version_is_kept() -> None:
    assert SCHEMA_VERSION == 1
    assert {row["name"] for row in ROWS} == set(KINDS)
