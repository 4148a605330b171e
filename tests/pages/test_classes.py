"""Other classes for the class bars: on record with what the model then says, and nothing else counts under them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from participants import Participant
from torch.nn import functional

from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import Opened, open_picture, seen_under
from pages.parts.rig import Rig
from study.class_events import ClassesChanged
from study.history import history_in, plan_in
from study.session import Step
from study.state import labels_digest

TASK = "secret_cause"
PROMPT = ("a drawing of a {}",)


@pytest.fixture
def who(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Participant:
    """In the workspace of the same study with the classes among its tools."""
    who = Participant(rig).at(Step.WORKSPACE)
    monkeypatch.setattr(
        type(who.place), "tools", property(lambda place: (*place.stop.tools, "classes") if place.stop else ())
    )
    return who


def opened_in(who: Participant) -> Opened:
    return open_picture(who.rig, who.rig.script.tasks[TASK])


def drawn(who: Participant) -> dict[str, Any]:
    records, opened = who.rig.log.read(who.id), opened_in(who)
    history = history_in(records, TASK)
    here = Here(who.rig, who.token, who.id, records, who.place)
    return board(here, opened, history, seen_under(who.rig, opened, history.plan))


def changes(who: Participant) -> list[ClassesChanged]:
    return [one.event for one in who.rig.log.read(who.id) if isinstance(one.event, ClassesChanged)]


def by_hand(who: Participant, labels: tuple[str, ...]) -> list[float]:
    """The probabilities by open_clip's own encoders, from the pixels."""
    model = opened_in(who).model
    pixels = model.pixels(who.rig.picture_file(opened_in(who).picture).read_bytes())
    network: Any = model.network
    with torch.no_grad():
        image = functional.normalize(network.encode_image(pixels), dim=-1)
        prompts = model.tokenizer([f"a drawing of a {label}" for label in labels])
        text = functional.normalize(network.encode_text(prompts), dim=-1)
        return (network.logit_scale.exp() * image @ text.T).softmax(dim=-1)[0].tolist()


def test_the_bars_are_under_the_classes_put_in_and_all_else_under_the_task_s(who: Participant) -> None:
    opened, before = opened_in(who), drawn(who)
    labels = (opened.truth, "zeppelin", "teapot")
    assert set(who.act("classes", labels=list(labels), templates=list(PROMPT)).values()) == {""}
    after = drawn(who)
    shares = {one["label"]: one["before"] for one in after["changed"]["classes"]}
    assert shares == pytest.approx(dict(zip(labels, by_hand(who, labels), strict=True)), abs=1e-5)
    assert after | {"changed": None, "talk": None} == before | {"talk": None}
    (event,) = changes(who)
    assert (event.labels, event.templates) == (labels, PROMPT)
    assert event.pinned.labels_sha256 == labels_digest(labels, PROMPT) != opened.pinned.labels_sha256
    assert event.after.prediction(labels).probs == pytest.approx(by_hand(who, labels), abs=1e-5)


def test_an_edit_moves_the_bars_under_the_same_classes_and_is_on_record_under_the_task_s(who: Participant) -> None:
    opened = opened_in(who)
    labels = (opened.truth, opened.target, "teapot")
    who.act("classes", labels=list(labels), templates=list(PROMPT))
    who.act("edit", component=opened.shown[0].index, strength=0.0)
    changed = drawn(who)["changed"]
    assert any(one["before"] != one["after"] for one in changed["classes"])
    model = opened.model.labelled(labels, PROMPT)
    from core.steering import steer

    said = steer(model, opened.bundle.sae, opened.seen, plan_in(who.rig.log.read(who.id), TASK)).prediction
    assert {one["label"]: one["after"] for one in changed["classes"]} == {name: said.prob(name) for name in labels}


def test_no_labels_bring_the_task_s_own_back_and_the_same_again_writes_nothing(who: Participant) -> None:
    opened = opened_in(who)
    labels = [opened.truth, "teapot"]
    who.act("classes", id="back-too-soon", labels=[], templates=[])
    assert changes(who) == []
    for name in ("put-in-once", "put-in-again"):
        assert who.act("classes", id=name, labels=labels, templates=list(PROMPT)) == {name: ""}
    assert len(changes(who)) == 1 and drawn(who)["changed"] is not None
    assert who.act("classes", id="back-again", labels=[], templates=[]) == {"back-again": ""}
    assert changes(who)[-1].pinned == opened.pinned and drawn(who)["changed"] is None


@pytest.mark.parametrize(
    ("labels", "templates", "why"),
    [
        (["{truth}"], ["a {}"], "two or more"),
        (["teapot", "zeppelin"], ["a {}"], "has to stay"),
        (["{truth}", "teapot", "Teapot"], ["a {}"], "twice"),
        (["{truth}", "teapot"], ["a photo"], "no place"),
        (["{truth}", "teapot"], [], "No prompt templates"),
        (["{truth}", *(f"thing {number}" for number in range(60))], ["a {}"] * 7, "427 texts"),
        (["{truth}", "  "], ["a {}"], "could not be read"),
    ],
)
def test_classes_that_cannot_be_put_in_are_refused_in_a_sentence(
    who: Participant, labels: list[str], templates: list[str], why: str
) -> None:
    truth = opened_in(who).truth
    (said,) = who.act("classes", labels=[one.format(truth=truth) for one in labels], templates=templates).values()
    assert why in said and not changes(who)


def test_where_the_truth_is_hidden_no_refusal_tells_it(who: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = who.rig.script.tasks[TASK].model_copy(update={"truth": "hidden"})
    monkeypatch.setitem(who.rig.script.tasks, TASK, hidden)
    assert set(who.act("classes", labels=["teapot", "zeppelin"], templates=list(PROMPT)).values()) == {""}


def test_without_the_tool_the_classes_are_the_task_s(rig: Rig) -> None:
    who = Participant(rig).at(Step.WORKSPACE)
    (said,) = who.act("classes", labels=["a", "b"], templates=["{}"]).values()
    assert "classes" in said and not changes(who)
