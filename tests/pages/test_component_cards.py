"""The card of one component: what it holds, for whom, and under which name."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from participants import Participant
from served import awaited

from pages.parts.board import board
from pages.parts.cards import card_asked, edition, tasks_begun
from pages.parts.here import Here
from pages.parts.names import named
from pages.parts.opened import Opened, open_picture, seen_under
from pages.parts.rig import Rig, install
from pages.parts.ripples import Asked, asked_by, ripple_under
from pages.parts.visits import visited
from study.concept_names import give_name
from study.history import history_in
from study.session import Step
from study.session_events import SessionPaused, SessionResumed

TASK = "secret_cause"


@pytest.fixture
def who(participant: Callable[[Step], Participant]) -> Participant:
    return participant(Step.WORKSPACE)


def card(who: Participant, component: int | str) -> Any:
    return card_asked(who.rig, who.token, str(component))


def drawn(who: Participant, opened: Opened) -> dict[str, Any]:
    """The board under the names that this session reads."""
    records = who.rig.log.read(who.id)
    shown, history = named(who.rig, records, opened), history_in(records, TASK)
    here = Here(who.rig, who.token, who.id, records, who.place)
    return board(here, shown, history, seen_under(who.rig, shown, history.plan))


def asked_of(who: Participant) -> Asked:
    found = asked_by(who.rig, who.token)
    assert found is not None
    return found


def test_a_card_says_where_a_component_fires_and_what_it_does_here(who: Participant) -> None:
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    for component in (opened.shown[0].index, opened.attribution.components[-1]):
        found = card(who, component)
        assert found["component"]["score"] == opened.attribution.scores[component]
        assert found["component"]["activation"] == opened.attribution.activation[component]
        assert sum(one["images"] for one in found["classes"]) == len(opened.bundle.reference.names)
        assert found["study"][0]["code"] == opened.seen.codes.peaks()[component]
        json.dumps(found, allow_nan=False)
    silent = next(each for each in range(opened.bundle.sae.size) if each not in opened.attribution.scores)
    found = card(who, silent)
    assert (found["component"]["score"], found["component"]["effect"]) == (0, 0)
    assert not any(found["component"]["fires"])


def test_no_picture_of_a_later_task_is_shown_on_a_card(who: Participant) -> None:
    tasks = who.rig.script.tasks
    later = who.rig.tasks[tasks["second_task"].picture].file
    assert tasks_begun(who.rig.log.read(who.id)) == (TASK,)
    opened = open_picture(who.rig, tasks[TASK])
    assert later != opened.picture
    for component in opened.attribution.components[:4]:
        found = card(who, component)
        assert len(found["study"]) == 1
        assert later not in json.dumps(found["study"])


def test_only_a_session_with_a_picture_open_gets_a_card(who: Participant, rig: Rig) -> None:
    assert card_asked(rig, "nobody", "1") is None
    assert [card(who, asked) for asked in ("", "-1", "96", "1e3", "\u0661", "9" * 30)] == [None] * 6
    assert card(Participant(rig).at(Step.CONSENT), 1) is None


def test_a_card_and_a_ripple_are_for_the_workspace_alone_and_stop_with_a_pause(who: Participant, rig: Rig) -> None:
    def given(one: Participant) -> tuple[bool, bool]:
        return card(one, 1) is not None, asked_by(rig, one.token) is not None

    assert given(who) == (True, True)
    who.write(SessionPaused(), key="pause")
    assert given(who) == (False, False)
    who.write(SessionResumed(gap_s=1.0, ends_pause=True), key="on")
    assert given(who) == (True, True)
    for step in (Step.BRIEFING, Step.ANSWER, Step.DONE):
        assert given(Participant(rig).at(step)) == (False, False), step


def test_a_name_given_later_does_not_change_what_a_session_reads(who: Participant) -> None:
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    component, own = opened.shown[0].index, opened.shown[0].label
    before = card(who, component)["edition"]
    give_name(who.rig.log, who.rig.script.study.id, opened.bundle.sae.digest, component, "a sign", own=own, who="Ada")
    assert (card(who, component)["component"]["name"], card(who, component)["edition"]) == (own, before)

    after = Participant(who.rig).at(Step.WORKSPACE)
    found = card(after, component)
    assert (found["component"]["name"], found["named_by"], found["own_name"]) == ("a sign", "Ada", own)
    assert found["edition"] != before
    there = drawn(after, opened)
    assert there["components"][0]["name"] == "a sign" and there["cards"] == found["edition"]


def test_a_card_may_be_kept_for_ever_under_its_edition_alone(who: Participant) -> None:
    from pages.parts.card_address import card as address

    install(who.rig)
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    now = edition(named(who.rig, who.rig.log.read(who.id), opened), (TASK,))

    def answer(**asked: str) -> Any:
        return awaited(address(SimpleNamespace(query_params={"s": who.token, "c": "1", **asked})))

    assert "immutable" in answer(edition=now).headers["cache-control"]
    assert answer(edition="older").headers["cache-control"] == "no-store"
    assert answer(c="96").status_code == 404


def test_while_another_picture_is_open_cards_and_what_was_found_are_of_that_one(
    who: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = (*who.rig.script.tasks[TASK].tools, "search")
    monkeypatch.setattr(type(who.place), "tools", property(lambda place: tools if place.stop else ()))
    own = open_picture(who.rig, who.rig.script.tasks[TASK])
    component, called = own.shown[0].index, "a sign"
    give_name(who.rig.log, who.rig.script.study.id, own.bundle.sae.digest, component, called, own="", who="Ada")
    who = Participant(who.rig).at(Step.WORKSPACE)
    assert set(who.act("search", how="word", text=called).values()) == {""}
    assert card(who, component)["edition"] == drawn(who, own)["cards"]
    assert set(who.act("open", picture="p007.png").values()) == {""}

    other = visited(who.rig, own, frozenset(tools), "p007.png")
    assert other is not None and other.picture != own.picture
    visit = drawn(who, own)["visit"]
    code = other.seen.codes.peaks().get(component, 0.0)
    found = card(who, component)
    assert found["edition"] == visit["cards"] != drawn(who, own)["cards"]
    assert [(one["code"], one["here"]) for one in found["study"] if one["here"]] == [(code, True)]
    assert max(*found["component"]["fires"], found["component"]["class_code"]) == pytest.approx(code, rel=1e-2)
    assert found["component"]["score"] == other.attribution.scores.get(component, 0.0)
    assert [(one["name"], one["score"]) for one in visit["found"]["components"][:1]] == [
        (called, other.attribution.scores.get(component, 0.0))
    ]
    assert {one["name"] for one in visit["components"] if one["index"] == component} <= {called}

    who.act("close")
    assert card(who, component)["component"]["score"] == own.attribution.scores[component]


def test_side_effects_are_told_under_the_names_that_the_session_reads(who: Participant) -> None:
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    edited = opened.shown[0].index
    who.act("edit", component=edited, strength=0)
    before = ripple_under(who.rig, asked_of(who))["own"]["side"]
    moved = before[0]["index"]
    assert before[0]["name"] != "a sign"
    give_name(who.rig.log, who.rig.script.study.id, opened.bundle.sae.digest, moved, "a sign", own="", who="Ada")
    after = Participant(who.rig).at(Step.WORKSPACE)
    after.act("edit", component=edited, strength=0)
    assert ripple_under(who.rig, asked_of(who))["own"]["side"] == before
    told = ripple_under(who.rig, asked_of(after))["own"]["side"]
    assert (told[0]["index"], told[0]["name"]) == (moved, "a sign")
