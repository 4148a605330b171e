"""What the browser hands over and what goes wrong: acts settled once and in order, refusals, calm sentences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from participants import Participant, words
from streamlit.testing.v1 import AppTest

from core.types import SteeringPlan
from pages.parts.acts import settle
from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from study.database import LogUnavailable
from study.history import history_in, plan_in
from study.session import Step

PAGES = Path(__file__).parents[2] / "pages"


def test_an_act_that_changes_nothing_is_answered_and_writes_nothing(participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.WORKSPACE)
    before = len(who.rig.log.read(who.id))
    assert set(who.act("edit", component=0, strength=1).values()) == {""}
    assert set(who.act("undo").values()) == {""}
    assert len(who.rig.log.read(who.id)) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "edit", "component": 10_000, "strength": 0},
        {"kind": "edit", "component": 0, "strength": float("nan")},
        {"kind": "edit", "component": "0", "strength": 0},
        {"kind": "drop table"},
        {"kind": "edit", "component": 0, "strength": 0, "task": 2},
    ],
)
def test_what_no_control_sends_is_refused_in_one_sentence(
    participant: Callable[[Step], Participant], wrong: dict[str, Any]
) -> None:
    who = participant(Step.WORKSPACE)
    before = len(who.rig.log.read(who.id))
    (sentence,) = who.act(**wrong).values()
    assert sentence.endswith(".")
    assert len(who.rig.log.read(who.id)) == before


def test_acts_wait_in_order_while_the_record_is_out_of_reach(
    participant: Callable[[Step], Participant], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = participant(Step.WORKSPACE)
    sent = [{"id": f"waiting-{n}", "task": 1, "kind": "edit", "component": n, "strength": 0} for n in range(3)]
    append, calls = who.rig.log.append, []

    def flaky(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs["key"])
        if calls == ["waiting-0", "waiting-1"]:
            raise LogUnavailable("The disk is full.")
        return append(*args, **kwargs)

    monkeypatch.setattr(who.rig.log, "append", flaky)
    assert settle(who.rig, who.id, sent) == {"waiting-0": ""}
    assert settle(who.rig, who.id, sent) == {"waiting-0": "", "waiting-1": "", "waiting-2": ""}
    assert [edit.component for edit in plan_in(who.rig.log.read(who.id), "secret_cause")] == [0, 1, 2]


def test_a_page_that_fails_says_so_calmly_with_a_number(
    participant: Callable[[Step], Participant], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = participant(Step.BRIEFING)

    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("pages.parts.opened.open_picture", broken)
    text = words(who.open())
    assert "nothing was lost" in text
    assert "secret detail" not in text


def test_an_app_that_cannot_be_built_says_why_to_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.rig._installed", [])
    monkeypatch.setattr("pages.parts.rig._wrong", ["No bundle at there/bundle.json; build it."])
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20).run()
    assert "Tiller cannot start yet" in words(test)
    assert [button.label for button in test.button] == []


def test_what_the_class_token_and_the_patches_push_adds_up_to_the_components_score(
    participant: Callable[[Step], Participant],
) -> None:
    who = participant(Step.WORKSPACE)
    opened = open_picture(who.rig, who.rig.script.tasks["secret_cause"])
    here = Here(who.rig, who.token, who.id, who.rig.log.read(who.id), who.place)
    sent = board(here, opened, history_in(here.records, "secret_cause"), seen_under(who.rig, opened, SteeringPlan()))
    pushes = opened.attribution.per_token
    assert pushes is not None
    entries = list(zip(pushes.components.tolist(), pushes.rows.tolist(), pushes.values.tolist(), strict=True))
    codes = opened.seen.codes.dense()[0]
    assert sent["components"]
    for each in sent["components"]:
        of_class_token = sum(push for component, row, push in entries if component == each["index"] and row == 0)
        of_patches = sum(push for component, row, push in entries if component == each["index"] and row > 0)
        assert each["class_push"] == pytest.approx(of_class_token, abs=1e-6)
        assert each["patch_push"] == pytest.approx(of_patches, abs=1e-6)
        assert each["score"] == pytest.approx(of_class_token + of_patches, abs=1e-6)
        assert each["class_code"] == codes[0, each["index"]].item()
    assert any(each["class_push"] for each in sent["components"])
    assert any(each["patch_push"] for each in sent["components"])
