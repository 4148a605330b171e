"""Names that researchers give components: nothing is lost, and what a session saw can be had again."""

from __future__ import annotations

import pytest

from core.types import TillerError
from study import concept_names
from study.concept_names import give_name, given_names, names_ever
from study.log import EventLog


def named(log: EventLog, called: str, component: int = 3, who: str = "Ada") -> bool:
    return give_name(log, "demo", "d5", component, called, own="printed word", who=who)


def test_the_last_name_given_stands_and_every_one_stays_on_record(fresh_log: EventLog) -> None:
    assert named(fresh_log, "  a   sign ")
    assert not named(fresh_log, "a sign")
    between = fresh_log.read("names:demo")[-1].utc_ns + 1
    assert named(fresh_log, "a yellow sign", who="Ben")
    assert given_names(fresh_log, "demo", "d5")[3].called == "a yellow sign"
    assert given_names(fresh_log, "demo", "d5", before_ns=between)[3].by == "Ada"
    assert [(before, one.called, one.by) for _, before, one in names_ever(fresh_log, "demo", "d5")] == [
        ("a sign", "a yellow sign", "Ben"),
        ("printed word", "a sign", "Ada"),
    ]


def test_an_empty_name_or_its_own_gives_a_component_its_own_back(fresh_log: EventLog) -> None:
    for back in ("", "printed word"):
        assert named(fresh_log, "a sign")
        assert named(fresh_log, back)
        assert given_names(fresh_log, "demo", "d5") == {}


def test_a_name_belongs_to_one_dictionary_of_one_study(fresh_log: EventLog) -> None:
    named(fresh_log, "a sign")
    assert given_names(fresh_log, "demo", "another") == {}
    assert given_names(fresh_log, "another", "d5") == {}


def test_a_name_too_long_is_refused(fresh_log: EventLog) -> None:
    with pytest.raises(TillerError, match="at most 80"):
        named(fresh_log, "a" * 81)


def test_of_two_names_given_at_once_the_second_is_refused_as_a_race_and_the_first_stands(
    fresh_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*asked: str) -> object:
        monkeypatch.undo()  # this once
        assert named(fresh_log, "a sign", who="Ben")
        return {}

    monkeypatch.setattr(concept_names, "given_names", meanwhile)
    with pytest.raises(TillerError, match="Somebody else named a component at this moment"):
        named(fresh_log, "a word")
    assert given_names(fresh_log, "demo", "d5")[3].called == "a sign"
    assert named(fresh_log, "a word"), "having looked at theirs"
