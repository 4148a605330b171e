"""What the workspace shows of muted edits and scenarios follows from the record, and the ripple follows the plan."""

from __future__ import annotations

from typing import Any

import pytest
from participants import Participant

from core.types import Edit, SteeringPlan
from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig
from pages.parts.ripples import asked_by
from study.history import history_in
from study.session import Step

TASK = "secret_cause"


@pytest.fixture
def who(rig: Rig) -> Participant:
    return Participant(rig).at(Step.WORKSPACE)


def boarded(who: Participant) -> dict[str, Any]:
    records = who.rig.log.read(who.id)
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    history = history_in(records, TASK)
    here = Here(who.rig, who.token, who.id, records, who.place)
    return board(here, opened, history, seen_under(who.rig, opened, history.plan))


def done(who: Participant, kind: str, **fields: Any) -> None:
    assert set(who.act(kind, **fields).values()) == {""}


def test_what_is_muted_is_listed_and_everything_else_is_as_without_it(who: Participant) -> None:
    done(who, "edit", component=0, strength=0.5)
    without = boarded(who)
    done(who, "edit", component=1, strength=0.0)
    done(who, "mute", component=1)
    now = boarded(who)
    assert [one["index"] for one in now["muted"]] == [1]
    for key in ("edits", "state", "classes", "now", "size", "claim"):
        assert now[key] == without[key], key
    asked = asked_by(who.rig, who.token)
    assert asked is not None and asked.plan == SteeringPlan((Edit(0, strength=0.5),))


def test_scenarios_stand_beside_the_model_untouched_with_margins_by_hand_and_their_own_ripple(who: Participant) -> None:
    done(who, "edit", component=0, strength=0.0)
    done(who, "save", title="one")
    done(who, "edit", component=1, strength=2.0)
    done(who, "save", title="two")
    done(who, "reset")
    found = boarded(who)["scenarios"]
    assert [one["title"] for one in found["states"]] == ["", "", "one", "two"]
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    plans = [(), (), (Edit(0),), (Edit(0), Edit(1, strength=2.0))]
    for shown, edits in zip(found["states"], plans, strict=True):
        said = seen_under(who.rig, opened, SteeringPlan(edits)).prediction
        target, against = (said.labels.index(label) for label in (opened.target, opened.against))
        assert shown["margin"] == pytest.approx(said.logits[target] - said.logits[against], abs=1e-5)
        assert shown["shares"] == pytest.approx([said.probs[said.labels.index(label)] for label in found["classes"]])
    assert (found["pair"], found["open"]) == (None, False)
    one, two = (each["id"] for each in found["states"][2:])
    done(who, "compare", of=one, against=two)
    found = boarded(who)["scenarios"]
    assert (found["pair"], found["open"]) == ([one, two], True), "a reload and a replay find it again"
    asked = asked_by(who.rig, who.token, two)
    assert asked is not None and asked.plan == SteeringPlan((Edit(0), Edit(1, strength=2.0)))
    assert asked_by(who.rig, who.token, "of-nobody") is None
    done(who, "delete", scenario=two)
    assert boarded(who)["scenarios"]["pair"] is None
