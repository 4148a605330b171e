"""A session of 10,000 rows opened on the replay page, and a step from one row to the next, on the page's own clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))  # the server and its hands are the pages' own

from participants import Participant  # pyright: ignore[reportMissingImports]
from served import Server, launched  # noqa: F401  # pyright: ignore[reportMissingImports]

from app import build
from pages.parts.opened import bench_of, open_picture
from pages.parts.screen import screen_of
from pages.parts.tape import tape_of
from study.decisions import opening
from study.session import Step
from study.staff import Role, invite
from study.steering_events import InterventionApplied

pytestmark = [pytest.mark.bench, pytest.mark.browser]

ROWS = 10_000
STEPS = 60
# A key, the moment drawn, and the frame that paints it.
STEP = """
  async (times) => {
    const root = [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.replay')).find(Boolean);
    const taken = [];
    for (let at = 0; at < times; at++) {
      await new Promise((on) => setTimeout(on, 250));
      const start = performance.now();
      const seen = new Promise((on) => new MutationObserver((_, watch) => {
        watch.disconnect(); requestAnimationFrame(() => setTimeout(() => on(performance.now())));
      }).observe(root, { attributes: true, attributeFilter: ['data-at'] }));
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', shiftKey: SHIFT, bubbles: true }));
      taken.push((await seen) - start);
    }
    return taken;
  }
"""


@pytest.fixture
def long_session(tmp_path: Path) -> Iterator[tuple[Server, str, str]]:
    """The demo with one participant who has gone on for ten thousand rows, and the key of somebody to look at them."""
    environment = {**os.environ, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"}
    rig = build(environment)
    task = next(iter(rig.script.tasks))
    who = Participant(rig).at(Step.BRIEFING)
    opened = open_picture(rig, rig.script.tasks[task])
    who.write(*opening(bench_of(rig, who.place), image="p.webp", labels=opened.model.labels), key="open")
    for component in opened.shown[:2]:
        who.act("edit", component=component.index, strength=0)
        who.act("edit", component=component.index, strength=1)
    made = rig.log.read(who.id)
    acts = [(one.event, two.event) for one, two in pairwise(made) if isinstance(one.event, InterventionApplied)]
    for number in range((ROWS - len(made)) // 2):
        act, answer = acts[number % len(acts)]
        who.write(replace(act, control=f"button{number}"), answer, key=f"again {number}")
    key = invite(rig.log, "Ada", Role.RESEARCHER)
    server = Server(environment, tmp_path / "log.db")
    server.start()
    yield server, who.id, key
    server.kill()


def test_ten_thousand_rows(long_session: tuple[Server, str, str], chromium: Any) -> None:
    server, session, key = long_session
    rig = build(server.environment)
    begun = perf_counter()
    tape = tape_of(rig, session)
    cold = perf_counter() - begun
    begun = perf_counter()
    tape_of(rig, session)
    warm = perf_counter() - begun
    folds: list[float] = []
    for seq in range(len(tape["rows"]) - 20, len(tape["rows"])):
        begun = perf_counter()
        screen_of(rig, session, seq)
        folds.append(1000 * (perf_counter() - begun))
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(f"{server.url}api/enter#{key}")
    page.wait_for_url(f"{server.url}sessions")
    opened: list[float] = []
    for _ in range(4):  # the first time the server has not read the session yet
        begun = perf_counter()
        page.goto(f"{server.url}replay?session={session}&seq=9000")
        page.locator(".replay[data-at='9000']").wait_for()
        opened.append(perf_counter() - begun)
    page.evaluate(STEP.replace("SHIFT", "false"), 5)
    one = page.evaluate(STEP.replace("SHIFT", "false"), STEPS)
    leap = page.evaluate(STEP.replace("SHIFT", "true"), STEPS)
    print(f"\n{len(tape['rows'])} rows: tape cold {cold:.2f} s, warm {warm:.2f} s; a moment in {median(folds):.0f} ms")
    print(f"page opened at row 9,000: first {opened[0]:.2f} s, then {median(opened[1:]):.2f} s")
    for name, taken in (("next row", one), ("next intervention", leap)):
        print(f"{name:18} median {median(taken):4.0f} ms, p95 {quantiles(taken, n=20)[18]:4.0f} ms")
