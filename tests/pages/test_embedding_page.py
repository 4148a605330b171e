"""A dictionary of embeddings in the workspace: it steers as any other, and nothing speaks of patches where none are."""

from __future__ import annotations

import re
import shutil
from io import StringIO
from pathlib import Path

import pytest
import torch
from participants import Participant
from rich.console import Console
from tiny_world import TinyWorld, write_bundle

from app import build
from core.health import examine
from core.types import EMBEDDING
from pages.parts.board import board
from pages.parts.health import sheet
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig
from study.history import history_in
from study.session import Step
from study.steering_events import InterventionApplied
from study.trust import figure_name, trust_in
from study.workshop.health import health_tables

TASK = "secret_cause"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_bundle(tmp_path_factory.mktemp("embedding") / "bundle", EMBEDDING))


@pytest.fixture
def whole(bundle: str, world: TinyWorld, tmp_path: object) -> Rig:
    return build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{tmp_path}/log.db",
            "TILLER_BUNDLE": bundle,
            "TILLER_STUDY": str(world.script),
        }
    )


def shown_to(who: Participant) -> dict[str, object]:
    records = who.rig.log.read(who.id)
    opened, history = open_picture(who.rig, who.rig.script.tasks[TASK]), history_in(records, TASK)
    here = Here(who.rig, who.token, who.id, records, who.place)
    return board(here, opened, history, seen_under(who.rig, opened, history.plan))


def test_the_workspace_opens_and_suppressing_there_is_arithmetic_on_the_embedding(whole: Rig) -> None:
    who = Participant(whole).at(Step.WORKSPACE)
    opened = open_picture(whole, whole.script.tasks[TASK])
    model, sae = opened.model, opened.bundle.sae
    chosen = opened.shown[0].index
    assert set(who.act("edit", component=chosen, strength=0.0).values()) == {""}
    v = model.network.encode_image(model.pixels(whole.picture_file(opened.picture).read_bytes()))[0].double()
    u = (v - sae.bias) @ sae.encoder.double().T + sae.encoder_bias
    code = u[chosen].relu()
    without = torch.nn.functional.normalize(v - code * sae.dictionary[chosen].double(), dim=0)
    due = (model.scale * without @ model.text.double().T).softmax(0)
    shares = {each["label"]: each["after"] for each in shown_to(who)["classes"]}  # type: ignore[attr-defined]
    assert code > 0
    assert shares == pytest.approx({label: due[model.labels.index(label)].item() for label in shares}, abs=1e-5)
    assert not who.open().exception


def test_what_needs_more_than_one_token_is_absent_and_says_why(whole: Rig) -> None:
    who = Participant(whole).at(Step.WORKSPACE)
    shown = shown_to(who)
    assert (shown["one_token"], shown["regions"], shown["maps"]) == (True, False, False)
    assert shown["explanation"] == "exact"
    assert shown["picture"]["grid"] == 4  # type: ignore[index] - the picture's own patches, which may be masked
    words = shown["words"]
    assert words["picture.token"] == words["card.token"] == "embedding"  # type: ignore[index]
    assert "patch" not in words["picture.none_fires"] + words["picture.split"] + words["search.no_regions"]  # type: ignore[index]
    component = shown["components"][0]  # type: ignore[index]
    assert (component["fires_on_patches"], component["pushes"], component["patch_push"]) == (False, None, 0)
    assert component["class_push"] == pytest.approx(component["score"])


def test_the_briefing_promises_no_tool_that_the_task_or_its_dictionary_has_not(
    whole: Rig, rig: Rig, world: TinyWorld, tmp_path: Path
) -> None:
    def promised(rig: Rig) -> tuple[bool, bool]:
        test = Participant(rig).at(Step.BRIEFING).open("briefing")
        (tools,) = (each.proto.body for each in test.get("html") if '<dl class="tiller-tools"' in each.proto.body)
        return "Where it fires" in tools, "Same edits elsewhere" in tools

    text = world.script.read_text(encoding="utf-8")
    assert text.count("ripple, similar, open") == 1
    (tmp_path / "less.yaml").write_text(text.replace("ripple, similar, open", ""), encoding="utf-8")
    shutil.copy(world.script.with_name("consent.md"), tmp_path)
    url = f"sqlite:///{tmp_path}/less.db"
    bundle = str(world.bundle)
    less = build({"TILLER_DATABASE_URL": url, "TILLER_BUNDLE": bundle, "TILLER_STUDY": str(tmp_path / "less.yaml")})
    assert (promised(rig), promised(whole), promised(less)) == ((True, True), (False, True), (True, False))


def test_an_edit_of_painted_patches_is_not_taken(whole: Rig) -> None:
    who = Participant(whole).at(Step.WORKSPACE)
    one = open_picture(whole, whole.script.tasks[TASK]).shown[0].index
    act = {"component": one, "strength": 1.0, "op": "set", "unit": "code", "scope": "patches", "patches": [2, 0]}
    assert set(who.act("edit", **act).values()) != {""}
    assert not any(isinstance(record.event, InterventionApplied) for record in whole.log.read(who.id))


def test_its_health_speaks_of_the_embedding_and_of_no_token_that_is_not_there(whole: Rig) -> None:
    bundle = whole.bundles["spatial"]
    health = examine(bundle, "spatial").as_json()
    assert (health["block"], health["decision"]["block"], health["decision"]["elsewhere"]) == (EMBEDDING, EMBEDDING, {})
    assert health["figures"]["explained"] == health["figures"]["explained_class"]
    told = sheet(health) + trust_in(health) + "".join(figure_name(name, health) for name in health["figures"])
    terminal = Console(width=200, record=True, file=StringIO())
    for table in health_tables(health):
        terminal.print(table)
    shown = terminal.export_text()
    assert "speaks for the embedding" in told and "Codes of the embedding" in told
    assert "the embedding of tiny" in shown and "codes of the embedding" in shown
    for text in (told, shown):
        assert not re.search(r"class token|patch|block \d|None", text)
