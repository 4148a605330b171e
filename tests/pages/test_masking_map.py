"""The map by masking: whose it is, what it says of the opened picture, and that people who steer are let between."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from participants import Participant
from served import awaited

from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.masking import Masking, masking, masking_asked
from pages.parts.masking_address import masking_of
from pages.parts.opened import Opened, open_picture, seen_under
from pages.parts.replays import _ASKED
from pages.parts.rig import Rig, install
from study.history import history_in
from study.session import Step
from study.task_events import ExplanationChanged

TASK = "secret_cause"


@pytest.fixture
def who(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Participant:
    """In the workspace of the same study with the map by masking among its tools."""
    who = Participant(rig).at(Step.WORKSPACE)
    monkeypatch.setattr(
        type(who.place), "tools", property(lambda place: (*place.stop.tools, "masking") if place.stop else ())
    )
    return who


def opened_in(rig: Rig) -> Opened:
    return open_picture(rig, rig.script.tasks[TASK])


def lines(who: Participant, target: str, against: str) -> list[dict[str, Any]]:
    asked = masking_asked(who.rig, who.token, target, against)
    assert asked is not None
    return list(masking(who.rig, asked))


def test_each_fall_is_the_margin_less_that_of_one_whole_pass_with_the_patch_masked(who: Participant) -> None:
    opened = opened_in(who.rig)
    said = lines(who, opened.target, opened.against)[-1]
    model = opened.model
    pixels = model.pixels(who.rig.picture_file(opened.picture).read_bytes())
    high, side = model.visual.patch_size[0], model.grid
    mean = pixels.mean(dim=(2, 3))[0]
    assert len(said["falls"]) == side**2
    for patch, fall in enumerate(said["falls"]):
        painted = pixels.clone()
        top, left = patch // side * high, patch % side * high
        painted[0, :, top : top + high, left : left + high] = mean[:, None, None]
        with torch.no_grad():
            logits = model.logits(model.activations(painted))[0].tolist()
        clean = opened.seen.clean
        target, against = opened.attribution.target, opened.attribution.against
        assert fall == pytest.approx(clean.margin(target, against) - (logits[target] - logits[against]), abs=1e-3)


def test_another_margin_of_the_same_picture_costs_no_pass(who: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = opened_in(who.rig)
    one = lines(who, opened.target, opened.against)[-1]["falls"]
    monkeypatch.setattr(Masking, "go_on", None)
    (turned,) = lines(who, opened.against, opened.target)
    assert turned["falls"] == [-fall + 0.0 for fall in one]


def test_it_comes_in_pieces_and_leaves_the_gate_between_them(who: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.masking.at_once", lambda model: 3)
    opened, rig = opened_in(who.rig), who.rig
    asked = masking_asked(rig, who.token, opened.target, opened.against)
    assert asked is not None
    come = []
    for line in masking(rig, asked):
        assert rig.gate.acquire(blocking=False) and rig.gate.acquire(blocking=False)
        rig.gate.release(2)
        come.append((line["done"], line["falls"] is None))
    patches = opened.model.grid**2
    assert come == [*((done, True) for done in range(0, patches, 3)), (patches, False)]


def test_no_edit_changes_the_map(who: Participant) -> None:
    opened = opened_in(who.rig)
    before = lines(who, opened.target, opened.against)[-1]
    assert set(who.act("edit", component=opened.shown[0].index, strength=0.0).values()) == {""}
    assert lines(who, opened.target, opened.against)[-1] == before


def test_it_is_told_to_those_alone_whose_tool_it_is_and_of_two_classes_of_the_model(
    who: Participant, participant: Callable[[Step], Participant], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = opened_in(who.rig)
    pair = opened.target, opened.against
    assert masking_asked(who.rig, "nobody", *pair) is None
    assert masking_asked(who.rig, who.token, pair[0], pair[0]) is None
    assert masking_asked(who.rig, who.token, pair[0], "zeppelin") is None
    monkeypatch.undo()
    assert masking_asked(who.rig, who.token, *pair) is None
    (said,) = who.act("overlay", overlay="masked").values()
    assert "masking" in said


def test_the_overlay_is_on_record_as_no_component_s_and_a_reload_finds_it(who: Participant) -> None:
    assert set(who.act("overlay", overlay="masked").values()) == {""}
    records = who.rig.log.read(who.id)
    event = records[-1].event
    assert isinstance(event, ExplanationChanged) and (event.overlay, event.component) == ("masked", None)
    opened, history = opened_in(who.rig), history_in(records, TASK)
    here = Here(who.rig, who.token, who.id, records, who.place)
    assert board(here, opened, history, seen_under(who.rig, opened, history.plan))["view"]["overlay"] == "masked"


def test_a_replay_has_the_map_that_was_seen(who: Participant) -> None:
    opened = opened_in(who.rig)
    seen = lines(who, opened.target, opened.against)[-1]
    who.act("overlay", overlay="masked")
    last = who.rig.log.read(who.id)[-1].seq
    asked = {"target": opened.target, "against": opened.against}
    assert _ASKED["masking"](who.rig, who.id, last, asked) == seen


def test_its_address_answers_line_by_line_and_404_to_strangers(who: Participant) -> None:
    install(who.rig)
    opened = opened_in(who.rig)

    async def nothing() -> Any:
        return b""

    async def listening() -> bool:
        return False

    def answer(token: str) -> Any:
        query = {"s": token, "target": opened.target, "against": opened.against}
        request: Any = SimpleNamespace(query_params=query, body=nothing, is_disconnected=listening)
        return awaited(masking_of(request))

    assert answer("nobody").status_code == 404
    assert answer(who.token).media_type == "application/x-ndjson"
