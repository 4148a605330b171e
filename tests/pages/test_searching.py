"""Asking the dictionary from the workspace: what is found is on record before it is shown, and can be steered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from participants import Participant

from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig
from study.concept_events import ConceptSearched
from study.history import history_in, plan_in
from study.session import Step

TASK = "secret_cause"


@pytest.fixture
def who(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Participant:
    """In the workspace of the same study with a search among its tools."""
    who = Participant(rig).at(Step.WORKSPACE)
    here = type(who.place)
    monkeypatch.setattr(here, "tools", property(lambda place: (*place.stop.tools, "search") if place.stop else ()))
    return who


def drawn(who: Participant) -> dict[str, Any]:
    records = who.rig.log.read(who.id)
    here = Here(who.rig, who.token, who.id, records, who.place)
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    history = history_in(records, TASK)
    return board(here, opened, history, seen_under(who.rig, opened, history.plan))


def searches(who: Participant) -> list[ConceptSearched]:
    return [one.event for one in who.rig.log.read(who.id) if isinstance(one.event, ConceptSearched)]


def test_a_word_finds_components_by_name_and_the_board_lists_what_the_log_says(who: Participant) -> None:
    assert drawn(who)["found"] is None
    assert set(who.act("search", how="word", text=" thing 3 ").values()) == {""}
    (event,) = searches(who)
    assert (event.how, event.text) == ("word", "thing 3")
    assert event.found and all(component % 7 == 3 for component in event.found)
    found = drawn(who)["found"]
    assert tuple(one["index"] for one in found["components"]) == event.found
    assert found["latest"]


def test_what_is_found_is_steered_like_any_other_component(who: Participant) -> None:
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    listed = {component.index for component in opened.shown}
    who.act("search", how="region", patches=list(range(opened.attribution.grid**2)))
    (event,) = searches(who)
    other = next(each for each in (*event.found, *range(96)) if each not in listed)
    assert set(who.act("edit", component=other, strength=0.0).values()) == {""}
    assert plan_in(who.rig.log.read(who.id), TASK).on(other) is not None
    assert not drawn(who)["found"]["latest"]


def test_a_move_is_between_two_of_the_model_s_labels(who: Participant) -> None:
    labels = open_picture(who.rig, who.rig.script.tasks[TASK]).model.labels
    assert set(who.act("search", how="move", origin=labels[0], target=labels[1]).values()) == {""}
    assert searches(who)[0].found
    for origin, target in ((labels[0], labels[0]), (labels[0], "zeppelin"), ("", "")):
        (said,) = who.act("search", how="move", origin=origin, target=target).values()
        assert said
    assert len(searches(who)) == 1


@pytest.mark.parametrize(
    "asked", [{"how": "word", "text": "  "}, {"how": "region"}, {"how": "region", "patches": [999]}, {"how": "smell"}]
)
def test_a_search_for_nothing_or_beyond_the_picture_is_refused(who: Participant, asked: dict[str, Any]) -> None:
    (said,) = who.act("search", **asked).values()
    assert said and not searches(who)


def test_a_phase_without_the_tool_has_no_search(participant: Callable[[Step], Participant]) -> None:
    without = participant(Step.WORKSPACE)
    (said,) = without.act("search", how="word", text="thing").values()
    assert "search was asked for" in said
    assert not searches(without) and "search" not in drawn(without)["tools"]
