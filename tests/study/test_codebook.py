"""Codebooks: whole versions that never change, codes that stay themselves, mistakes said at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from study.codebook import CodebookRefused, books_of, carried, change_codebook, mistakes_in
from study.coding_events import Entry
from study.log import EventLog
from study.strategies import DEFINITIONS
from study.streams import stream_of
from study.themes import starting_entries

STUDY = "demo"


def entry(log: EventLog, name: str) -> Entry:
    return next(one for one in books_of(log, STUDY)[-1].entries if one.name == name)


def change(log: EventLog, *entries: Entry, **more: object) -> None:
    now = books_of(log, STUDY)[-1]
    change_codebook(log, STUDY, entries, **{"by": "Ada", "since": now.version, **more})  # pyright: ignore


def test_every_study_begins_with_the_rules_codes_and_themes_each_defined(fresh_log: EventLog) -> None:
    (first,) = books_of(fresh_log, STUDY)
    assert first.version == 1
    assert mistakes_in(first.entries) == []
    named = {one.name: one for one in first.codable}
    assert {name: named[name].definition for name in DEFINITIONS} == DEFINITIONS
    assert list(first.layers) == ["theme", "move", "scope", "pattern"]
    themes = first.layers["theme"]
    assert {one.name for one in themes} >= {"trust basis", "ripple concern", "causal limit", "over-steering"}
    assert all(one.definition and one.use_when and one.not_when and one.example for one in themes)
    assert all(one.shortcut for one in first.codable)


def test_a_change_is_a_new_version_and_the_old_one_stays_as_it_was(fresh_log: EventLog) -> None:
    (first,) = books_of(fresh_log, STUDY)
    changed = [replace(one, definition="Else.") if one.name == "surprise" else one for one in first.entries]
    change(fresh_log, *changed, note="clearer")
    before, after = books_of(fresh_log, STUDY)
    assert before.entries == first.entries
    assert (after.version, after.by, after.note) == (2, "Ada", "clearer")
    assert entry(fresh_log, "surprise").definition == "Else."
    assert entry(fresh_log, "surprise").id == next(one.id for one in first.entries if one.name == "surprise")
    rows = len(fresh_log.read(stream_of("codebook", STUDY)))
    change(fresh_log, *changed)
    assert len(fresh_log.read(stream_of("codebook", STUDY))) == rows, "no change, no version"


def test_a_code_is_carried_through_versions_merged_or_dropped(fresh_log: EventLog) -> None:
    a, b, c = (Entry(id=one, name=one) for one in "abc")
    change(fresh_log, a, b, c)
    change(fresh_log, b, c, mapping={"a": "b"})
    change(fresh_log, c, mapping={"b": "c"})
    books = books_of(fresh_log, STUDY)
    assert [carried(books, "a", 2, to) for to in (2, 3, 4)] == ["a", "b", "c"]
    assert carried(books, "c", 2, 4) == "c"
    change(fresh_log, Entry(id="d", name="d"))
    assert carried(books_of(fresh_log, STUDY), "a", 2, 5) is None


def test_two_people_changing_one_version_are_told_and_only_the_first_stands(fresh_log: EventLog) -> None:
    change(fresh_log, Entry(id="a", name="a"))
    change(fresh_log, Entry(id="a", name="b"))
    with pytest.raises(CodebookRefused, match="Ada has made version 3 meanwhile"):
        change(fresh_log, Entry(id="a", name="c"), since=2)
    assert books_of(fresh_log, STUDY)[-1].version == 3


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([], "1 to 500 codes"),
        ([Entry(id="a", name="a"), Entry(id="a", name="b")], "The id a is there twice"),
        ([Entry(id="a", name="Same"), Entry(id="b", name="same ")], "The name 'same' is there twice"),
        ([Entry(id="a", name=" ")], "A code has no name"),
        ([Entry(id="a", name="a", colour="red")], "'red' is not of the form #RRGGBB"),
        ([Entry(id="a", name="a", shortcut="s"), Entry(id="b", name="b", shortcut="s")], "'s' is given to a and b"),
        ([Entry(id="a", name="a", shortcut="m")], "'m' moves about the page"),
        ([Entry(id="a", name="a", shortcut="ö")], "not one small letter or digit"),
        ([Entry(id="a", name="a", parent="x")], "is not there"),
        ([Entry(id="a", name="a", parent="b"), Entry(id="b", name="b", parent="a")], "lies under itself"),
        ([Entry(id="a", name="a", definition="x" * 3000)], "definition is longer than 2000"),
    ],
)
def test_mistakes_are_said_with_what_to_do(fresh_log: EventLog, entries: list[Entry], says: str) -> None:
    with pytest.raises(CodebookRefused, match=says):
        change(fresh_log, *entries)
    assert books_of(fresh_log, STUDY)[-1].entries == starting_entries()


def test_all_mistakes_are_said_at_once() -> None:
    wrong = [Entry(id="a", name="a", shortcut="n", colour="x"), Entry(id="b", name="a", parent="z")]
    assert len(mistakes_in(wrong)) == 4
