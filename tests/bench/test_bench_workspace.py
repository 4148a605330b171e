"""The workspace beside the least that could show it: the same elements drawn by a bare fragment, a bare forward pass.

Run with `pytest -m bench -n 0 -s tests/bench/test_bench_workspace.py`; no time is asserted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))  # the server and its hands are the pages' own

from full_size import LABELS, made  # pyright: ignore[reportMissingImports]
from participants import Participant  # pyright: ignore[reportMissingImports]
from served import (  # pyright: ignore[reportMissingImports]
    Server,
    launched,  # noqa: F401 - the fixture `chromium`
    open_workspace,
    settled,
)
from test_bench_browser import ACTS, STEER, spread  # pyright: ignore[reportMissingImports]

from app import build
from core.types import SteeringPlan
from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_another, open_picture, seen_under
from study.history import history_in
from study.session import Step

pytestmark = pytest.mark.bench

PICTURES, TURNS = 24, 9
ROWS, BOARDS = 6, 12
FLOOR = Path(__file__).with_name("floor.py")
STUDY = """
schema: tiller-study/1
study: {id: full, version: "1.0.0", title: Full size, stage: pilot, contact: nobody}
modes: {remote: {open: true}}
welcome: Welcome to a bench.
consent: {text: consent.md, scopes: [{key: log, required: true, label: Record what I do.}]}
tasks:
  one: &task
    picture: right
    goal: Find out what leads the model.
    tools: [attribution, suppress, amplify, set, add, undo, redo, reset, ripple]
    answers: [{id: cause, type: free_text, label: "What was it?"}]
  two: {<<: *task, picture: right_2}
debrief: Thank you.
"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """ViT-B/16 with random weights and 49,152 components, and a study on two of its pictures."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "consent.md").write_text("Read this.", encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    with get_context("spawn").Pool(1) as pool:  # its memory is none of ours
        bundle = pool.apply(made, (folder, "ViT-B-16", PICTURES))
    return {"TILLER_BUNDLE": str(bundle), "TILLER_STUDY": str(folder / "study.yaml")}


@pytest.fixture
def named(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What the app is started with: the demo that ships, or the bundle of full size."""
    more = request.getfixturevalue("full") if request.param == "full" else {}
    return {**os.environ, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}", **more}


def drawn(who: Participant) -> dict[str, Any]:
    """The board that the app hands to the browser now."""
    records, key = who.rig.log.read(who.id), str(who.place.task)
    opened, history = open_picture(who.rig, who.rig.script.tasks[key]), history_in(records, key)
    here = Here(who.rig, who.token, who.id, records, who.place)
    return board(here, opened, history, seen_under(who.rig, opened, history.plan))


def boards(named: dict[str, str], folder: Path) -> Path:
    """Boards of a participant who has moved six components and moves them on, each with another prediction."""
    rig = build({**named, "TILLER_DATABASE_URL": f"sqlite:///{folder / 'boards.db'}"})
    who, found = Participant(rig).at(Step.WORKSPACE), []
    rows = [each["index"] for each in drawn(who)["components"][:ROWS]]
    for at in range(ROWS + BOARDS):
        told = who.act("edit", component=rows[at % ROWS], strength=0.3 + 0.1 * at)
        assert list(told.values()) == [""]
        found.append(drawn(who))
    path = folder / "boards.json"
    path.write_text(json.dumps(found[ROWS:]), encoding="utf-8")
    return path


@pytest.fixture
def pair(named: dict[str, str], tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """The app, and the floor that carries the same elements."""
    made_before = boards(named, tmp_path)
    app = Server(named, tmp_path / "log.db")
    floor = Server({**named, "TILLER_BENCH_BOARDS": str(made_before)}, tmp_path / "floor.db", entry=str(FLOOR))
    app.start()
    floor.start(healthy=False)
    yield app, floor
    app.kill()
    floor.kill()


@pytest.mark.browser
@pytest.mark.parametrize("named", ["demo", "full"], indirect=True)
def test_release_to_painted_beside_a_fragment_that_carries_the_same(pair: tuple[Server, Server], chromium: Any) -> None:
    app, floor = pair
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)

    def beneath() -> tuple[float, float]:
        page.goto(floor.url)
        page.locator(".row").first.wait_for()
        page.evaluate(STEER, 12)
        return spread(page.evaluate(STEER, ACTS))

    before = beneath()
    open_workspace(page, app)
    page.evaluate(STEER, 12)
    settled(page)
    act = spread(page.evaluate(STEER, ACTS))
    after = beneath()
    low = min(before[0], after[0])
    print(f"\nload of the machine {os.getloadavg()[0]:.1f}")
    for name, (middle, high) in (("before", before), ("after", after)):
        print(f"bare fragment, the same elements   median {middle:5.0f} ms, p95 {high:5.0f} ms ({name})")
    print(f"release to painted probabilities   median {act[0]:5.0f} ms, p95 {act[1]:5.0f} ms; {act[0] / low:.2f}x")


@torch.no_grad()
def test_first_open_of_a_picture_beside_a_bare_pass(full: dict[str, str], tmp_path: Path) -> None:
    rig = build({**os.environ, **full, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"})
    who = Participant(rig).at(Step.WORKSPACE)
    records = rig.log.read(who.id)
    here, history = Here(rig, who.token, who.id, records, who.place), history_in(records, "one")
    task = open_picture(rig, rig.script.tasks["one"])
    model, reference = task.model, task.bundle.reference
    bare, first = [], []
    for name, truth in list(zip(reference.names, reference.truth, strict=True))[: TURNS + 1]:
        pixels = model.pixels(rig.picture_file(name).read_bytes())
        start = perf_counter()
        model.network.encode_image(pixels)  # pyright: ignore[reportCallIssue]
        bare.append(1000 * (perf_counter() - start))
        start = perf_counter()
        opened = open_another(rig, task, name, LABELS[truth])
        board(here, opened, history, seen_under(rig, opened, SteeringPlan(())))
        first.append(1000 * (perf_counter() - start))
    bare, first = bare[1:], first[1:]  # the first turn warms
    due = 1.5 * median(bare) + 300
    print(f"\nload of the machine {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} thread")
    print(f"bare forward pass of ViT-B/16    median {median(bare):6.0f} ms")
    print(f"first open, 49,152 components    median {median(first):6.0f} ms; asked at most {due:.0f} ms")
