"""The same edits on other pictures: counted as a hooked full pass counts them, and opened without touching the task."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from participants import Participant
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from core.steering import steer
from core.types import Edit, SteeringPlan
from pages.parts.board import board
from pages.parts.cards import card_of
from pages.parts.gallery import encoded
from pages.parts.here import Here
from pages.parts.kept_back import kept_back
from pages.parts.live import seen_after
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig
from pages.parts.ripple_stream import ripple_of
from pages.parts.ripples import SHAMS, asked_by, known_ripple, measuring, ripple_under
from study.history import history_in, plan_in
from study.session import Step
from study.staff import Role, find_staff, invite
from study.visit_events import PictureClosed, PictureOpened

TASK = "secret_cause"
SIMILAR = ((4, "boat"), (7, "car"), (11, "boat"))  # numbers of reference pictures, and what they are said to show


@pytest.fixture
def knowing(rig: Rig) -> Rig:
    """The rig of a bundle that knows three failures like the first task's."""
    images = next(iter(rig.bundles.values())).images
    picture = rig.tasks["word"]
    like = tuple((images / f"p{number:03d}.png", shows) for number, shows in SIMILAR)
    return replace(rig, tasks={**rig.tasks, "word": replace(picture, similar=like)})


@pytest.fixture
def who(knowing: Rig) -> Participant:
    return Participant(knowing).at(Step.WORKSPACE)


def loudest(who: Participant) -> int:
    """The component that pushes most in the task's picture."""
    return open_picture(who.rig, who.rig.script.tasks[TASK]).shown[0].index


def called(who: Participant, name: str, suppressed: int | None) -> str:
    """What open_clip's own forward pass says, with the component's part taken out of the residual stream by a hook."""
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    model, sae = opened.model, opened.bundle.sae

    def out(_module: Any, _given: Any, x: torch.Tensor) -> torch.Tensor:
        if suppressed is None:
            return x
        codes = sae.encode(x).dense()[..., suppressed]
        return x - codes[..., None] * sae.dictionary[suppressed]

    hook = model.visual.transformer.resblocks[model.block].register_forward_hook(out)
    try:
        with torch.no_grad():
            pixels = model.pixels(opened.bundle.images / name)
            image = torch.nn.functional.normalize(model.network.encode_image(pixels), dim=-1)  # pyright: ignore[reportCallIssue]
        return model.labels[int((image @ model.text.T).argmax())]
    finally:
        hook.remove()


def counts_of(rows: list[tuple[str, str, str]]) -> dict[str, int]:
    """Right, before and after of each picture, counted by hand."""
    return {
        "fixed": sum(was != right == now for right, was, now in rows),
        "broken": sum(was == right != now for right, was, now in rows),
        "other": sum(was != now and right not in (was, now) for right, was, now in rows),
        "same": sum(was == now for _, was, now in rows),
    }


def asked_of(who: Participant) -> Any:
    found = asked_by(who.rig, who.token)
    assert found is not None
    return found


def test_both_sets_are_counted_as_a_hooked_full_pass_counts_them_and_net_repair_follows_by_hand(
    who: Participant,
) -> None:
    component = loudest(who)
    who.act("edit", component=component, strength=0)
    found = ripple_under(who.rig, asked_of(who))
    reference = open_picture(who.rig, who.rig.script.tasks[TASK]).bundle.reference
    pictures = {
        "similar": [(f"p{number:03d}.png", shows) for number, shows in SIMILAR],
        "reference": [(n, reference.labels[t]) for n, t in zip(reference.names, reference.truth, strict=True)],
    }
    assert [one["kind"] for one in found["sets"]] == ["similar", "reference"]
    moved = 0
    for one in found["sets"]:
        rows = [(shows, called(who, name, None), called(who, name, component)) for name, shows in pictures[one["kind"]]]
        wanted = counts_of(rows)
        assert {kind: one[kind]["hits"] for kind in wanted} == wanted
        assert one["images"] == one["of"] == len(rows) == sum(wanted.values())
        right = sum(right == was for right, was, _ in rows)
        assert (one["broken"]["trials"], one["fixed"]["trials"]) == (right, len(rows) - right)
        moved += len(rows) - wanted["same"]
    assert moved > 2, "the edit moves too little for the counts to be told apart"
    similar, others = found["sets"]
    by_hand = (
        similar["fixed"]["hits"] / similar["fixed"]["trials"] - others["broken"]["hits"] / others["broken"]["trials"]
    )
    assert found["net"]["value"] == pytest.approx(by_hand)
    assert found["net"]["low"] <= by_hand <= found["net"]["high"]


def test_something_is_told_at_once_and_more_as_it_comes(who: Participant) -> None:
    who.act("edit", component=loudest(who), strength=0)
    asked = asked_of(who)
    assert known_ripple(who.rig, asked) is None
    lines = [line for line in measuring(who.rig, asked) if line]
    assert [one["images"] for one in lines[0]["sets"]] == [3, 0]
    assert lines[0]["net"] is None, "nothing is known of right pictures yet"
    measured = [sum(one["images"] for one in line["sets"]) for line in lines]
    assert measured == sorted(measured)
    assert [line["done"] for line in lines].count(True) == 1
    assert lines[-1] is known_ripple(who.rig, asked)
    assert [sham["kind"] for sham in lines[-1]["shams"]] == [kind for kind, _ in SHAMS]
    assert ripple_under(who.rig, asked) is lines[-1]


def test_the_pictures_that_changed_most_come_first_and_none_is_a_tasks_own(who: Participant) -> None:
    who.act("edit", component=loudest(who), strength=0)
    found = ripple_under(who.rig, asked_of(who))["pictures"]
    hurt, helped = ([one["change"] for one in found[end]] for end in ("hurt", "helped"))
    assert hurt == sorted(hurt) and max(hurt) < 0
    assert helped == sorted(helped, reverse=True) and min(helped) > 0
    own = {one.file for one in who.rig.tasks.values()} & {one["name"] for end in found.values() for one in end}
    assert not own & {who.rig.tasks[task.picture].file for task in who.rig.script.tasks.values()}
    kinds = Counter(one["kind"] for end in found.values() for one in end)
    assert kinds["fixed"] + kinds["broken"] > 0


def test_a_copy_of_a_tasks_picture_is_no_example_either_whatever_it_is_called(knowing: Rig, tmp_path: Path) -> None:
    images = next(iter(knowing.bundles.values())).images
    own = tmp_path / "renamed.png"  # of the script's own pictures, and the bundle has it as p007.png
    own.write_bytes((images / "p007.png").read_bytes())
    copied = {**knowing.tasks, "scene": replace(knowing.tasks["scene"], file="0123456789ab.png", path=own)}
    who = Participant(replace(knowing, tasks=copied)).at(Step.WORKSPACE)
    hidden = {who.rig.tasks["word"].file, "0123456789ab.png", "p007.png"}
    assert kept_back(who.rig) == hidden
    assert "p007.png" not in kept_back(knowing), "it is an example as long as no task shows it"

    component = loudest(who)
    who.act("edit", component=component, strength=0)
    told = ripple_under(who.rig, asked_of(who))["pictures"]
    listed = {one["name"] for end in told.values() for one in end}
    assert listed and not listed & hidden
    assert set(who.act("open", picture="p004.png").values()) == {""}
    who.act("close")
    assert set(who.act("open", picture="p007.png").values()) != {""}

    opened = asked_of(who).opened
    firing = [card.index for card in opened.bundle.index if {*card.exemplars_top, *card.exemplars_middle} & hidden]
    assert firing, "no component fires in a picture that is kept back"
    shown = json.dumps([card_of(who.rig, who.rig.script, opened, (TASK,), index)["component"] for index in firing])
    assert "p004.png" in shown and not [name for name in hidden if name in shown]


def test_nobody_is_told_of_like_failures_whose_task_hides_what_its_picture_shows(knowing: Rig) -> None:
    script = knowing.script
    hidden = script.tasks[TASK].model_copy(update={"truth": "hidden"})
    covert = replace(knowing, script=replace(script, tasks={**script.tasks, TASK: hidden}))
    who = Participant(covert).at(Step.WORKSPACE)
    found = ripple_under(covert, asked_of(who))
    assert [one["kind"] for one in found["sets"]] == ["reference"]


@pytest.mark.parametrize(("without", "sets", "named"), [("similar", 1, True), ("open", 2, False)])
def test_a_phase_switches_each_tool_off(knowing: Rig, without: str, sets: int, named: bool) -> None:
    script = knowing.script
    tools = tuple(tool for tool in script.tasks[TASK].tools if tool != without)
    fewer = {**script.tasks, TASK: script.tasks[TASK].model_copy(update={"tools": tools})}
    who = Participant(replace(knowing, script=replace(script, tasks=fewer))).at(Step.WORKSPACE)
    who.act("edit", component=loudest(who), strength=0)
    found = ripple_under(who.rig, asked_of(who))
    assert len(found["sets"]) == sets
    assert bool(found["pictures"]["hurt"]) is named
    answer = who.act("open", picture="p004.png")
    assert (set(answer.values()) == {""}) is named


def test_a_task_with_other_classes_is_counted_on_what_has_them_and_the_rest_is_told_all_the_same(knowing: Rig) -> None:
    script = knowing.script
    opened = open_picture(knowing, script.tasks[TASK])
    names = tuple(dict.fromkeys((opened.target, opened.truth, "boat", "car")))
    fewer = script.tasks[TASK].model_copy(update={"labels": names})
    who = Participant(replace(knowing, script=replace(script, tasks={**script.tasks, TASK: fewer}))).at(Step.WORKSPACE)
    who.act("edit", component=loudest(who), strength=0)
    found = ripple_under(who.rig, asked_of(who))
    assert [one["kind"] for one in found["sets"]] == ["similar"]
    assert (found["net"], found["worst"]) == (None, [])
    assert found["own"]["sides"] > 0


def test_without_the_tool_there_is_no_ripple(knowing: Rig) -> None:
    script = knowing.script
    bare = script.tasks[TASK].model_copy(update={"tools": ("attribution", "suppress")})
    who = Participant(replace(knowing, script=replace(script, tasks={**script.tasks, TASK: bare})))
    assert asked_by(who.rig, who.at(Step.WORKSPACE).token) is None


def boarded(who: Participant) -> dict[str, Any]:
    records = who.rig.log.read(who.id)
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    history = history_in(records, TASK)
    here = Here(who.rig, who.token, who.id, records, who.place)
    return board(here, opened, history, seen_under(who.rig, opened, history.plan))


def test_another_picture_is_opened_under_the_same_edits_and_the_task_is_as_it_was(who: Participant) -> None:
    component = loudest(who)
    who.act("edit", component=component, strength=0)
    before, plan = boarded(who), plan_in(who.rig.log.read(who.id), TASK)
    assert before["visit"] is None
    assert set(who.act("open", picture="p007.png").values()) == {""}
    event = who.rig.log.read(who.id)[-1].event
    assert isinstance(event, PictureOpened)
    assert (event.image, event.of, event.shows, event.after.plan) == ("p007.png", "similar", "car", plan)
    assert event.before.top[0].label == called(who, "p007.png", None)
    assert event.after.top[0].label == called(who, "p007.png", component)
    there = boarded(who)
    visit = there.pop("visit")
    assert there == {key: value for key, value in before.items() if key != "visit"}
    assert (visit["shows"], visit["was"]["label"]) == ("car", called(who, "p007.png", None))
    assert encoded(who.rig, visit["picture"]["url"].split("/")[-1].split("?")[0], 448) is not None
    assert [one["strength"] for one in visit["components"] if one["index"] == component] in ([], [0.0])
    assert set(who.act("open", picture="p007.png").values()) == {""}, "it is open already"
    assert isinstance(who.rig.log.read(who.id)[-1].event, PictureOpened)
    who.act("close", id=f"close-{len(who.rig.log.read(who.id)):05d}")
    assert isinstance(who.rig.log.read(who.id)[-1].event, PictureClosed)
    assert boarded(who) == before
    written = len(who.rig.log.read(who.id))
    who.act("close", id=f"close-{len(who.rig.log.read(who.id)):05d}")
    assert len(who.rig.log.read(who.id)) == written, "there is nothing to go back from"


def file_in(url: str) -> str:
    return url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]


def test_the_console_shows_the_picture_that_is_on_the_screen(who: Participant) -> None:
    component, staff = loudest(who), find_staff(who.rig.log, invite(who.rig.log, "Mo", Role.MODERATOR))
    assert staff is not None
    who.act("edit", component=component, strength=0)
    own = seen_after(who.rig, who.id, staff, 0)
    who.act("open", picture="p007.png")
    there = seen_after(who.rig, who.id, staff, 0)
    assert (own["beside"], there["beside"], there["truth"]) == (False, True, "car")
    assert file_in(there["image"]) == file_in(boarded(who)["visit"]["picture"]["url"]) != file_in(own["image"])
    said = {one["label"]: (one["before"], one["now"]) for one in there["says"]}
    assert max(said, key=lambda label: said[label][0]) == called(who, "p007.png", None)
    assert there["top"] == max(said, key=lambda label: said[label][1]) == called(who, "p007.png", component)
    assert there["plan"] == own["plan"], "the edits are the same"
    who.act("close", id=f"close-{len(who.rig.log.read(who.id)):05d}")
    back = seen_after(who.rig, who.id, staff, 0)
    assert [back[key] for key in ("image", "beside", "truth", "top", "says")] == [
        own[key] for key in ("image", "beside", "truth", "top", "says")
    ]


@pytest.mark.parametrize("way", [("undo", {}), ("edit", {"component": 1, "strength": 2.0}), ("answer", {})])
def test_a_step_in_the_task_leads_back_to_its_picture(who: Participant, way: tuple[str, dict[str, Any]]) -> None:
    who.act("edit", component=loudest(who), strength=0)
    who.act("open", picture="p007.png")
    kind, fields = way
    who.act(kind, **fields)
    assert boarded(who)["visit"] is None


@pytest.mark.parametrize("name", ["no-such.png", "../secret.png", "own"])
def test_no_picture_is_opened_that_is_not_on_the_page(who: Participant, name: str) -> None:
    picture = who.rig.tasks["word"].file if name == "own" else name
    (sentence,) = who.act("open", picture=picture).values()
    assert sentence.endswith(".")
    assert boarded(who)["visit"] is None


def test_the_address_answers_line_by_line_and_the_second_time_in_one(
    who: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.parts.rig._installed", [who.rig])
    who.act("edit", component=loudest(who), strength=0)
    client = TestClient(Starlette(routes=[Route("/api/ripple", ripple_of)]))
    lines = [json.loads(line) for line in client.get(f"/api/ripple?s={who.token}").text.splitlines()]
    assert len(lines) > 3
    assert lines[-1]["done"] and not lines[0]["done"]
    assert client.get(f"/api/ripple?s={who.token}").json() == lines[-1]
    assert client.get("/api/ripple?s=nobody").status_code == 404


def test_nothing_edited_is_nothing_changed(who: Participant) -> None:
    found = ripple_under(who.rig, asked_of(who))
    assert asked_of(who).plan == SteeringPlan()
    assert (found["edits"], found["shams"], found["pictures"]) == (0, [], {"hurt": [], "helped": []})
    assert all(one["same"]["hits"] == one["images"] == one["of"] for one in found["sets"])


def test_what_comes_to_light_of_two_edits_is_told_with_their_interaction(who: Participant) -> None:
    first, second = (each.index for each in open_picture(who.rig, who.rig.script.tasks[TASK]).shown[:2])
    who.act("edit", component=first, strength=0)
    own = ripple_under(who.rig, asked_of(who))["own"]
    assert own["joint"] is None
    alone = SteeringPlan((Edit(first),)), SteeringPlan((Edit(second),))
    who.act("edit", component=second, strength=0)
    own = ripple_under(who.rig, asked_of(who))["own"]
    opened = open_picture(who.rig, who.rig.script.tasks[TASK])
    target, against = (opened.model.labels.index(own[name]) for name in ("target", "against"))

    def margin(plan: SteeringPlan) -> float:
        logits = steer(opened.model, opened.bundle.sae, opened.seen, plan).prediction.logits
        return logits[target] - logits[against]

    clean = margin(SteeringPlan())
    together = margin(asked_of(who).plan) - clean
    assert own["joint"]["together"] == pytest.approx(together)
    assert own["joint"]["interaction"] == pytest.approx(together - sum(margin(one) - clean for one in alone))
    assert not {one["index"] for one in own["side"]} & {first, second}
    assert own["far"] is (own["nearer"] > 0.99)
