"""Every page opened warm, and loaded anew at each step, until its main element is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))  # the server and its hands are the pages' own

from participants import Participant  # pyright: ignore[reportMissingImports]
from served import Server, launched  # noqa: F401  # pyright: ignore[reportMissingImports]

from app import build
from pages.parts.staff import ROOMS
from study.session import Step
from study.staff import Role, invite

pytestmark = [pytest.mark.bench, pytest.mark.browser]

TIMES = 5
DONE = 8  # sessions that have been walked to the end, for the staff to look at
STEPS = (Step.WELCOME, Step.CONSENT, Step.BRIEFING, Step.WORKSPACE, Step.ANSWER, Step.DONE)


@pytest.fixture
def studied(tmp_path: Path) -> Iterator[tuple[Server, dict[Step, str], str, str]]:
    """The demo with a participant at each step, their links, a session that is over, and the key of a researcher."""
    environment = {**os.environ, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"}
    rig = build(environment)
    there = {step: Participant(rig).at(step).token for step in STEPS if step is not Step.WELCOME}
    over = [Participant(rig).at(Step.DONE).id for _ in range(DONE)]
    key = invite(rig.log, "Ada", Role.RESEARCHER)
    server = Server(environment, tmp_path / "log.db")
    server.start()
    yield server, {Step.WELCOME: "", **there}, over[0], key
    server.kill()


def timed(do: Callable[[], object], there: Any) -> float:
    """Milliseconds of `do` until the main element stands on the page."""
    begun = perf_counter()
    do()
    there.first.wait_for()
    return 1000 * (perf_counter() - begun)


def test_pages_open_and_come_back(studied: tuple[Server, dict[Step, str], str, str], chromium: Any) -> None:
    server, links, session, key = studied
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(20_000)
    print(f"\nmedian and worst of {TIMES}, ms; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'page':<12} {'opened':>14} {'loaded anew':>14}")
    for step, token in links.items():
        main = page.locator(".bench[data-loading='false']" if step is Step.WORKSPACE else ".stButton button")
        address = f"{server.url}{'' if step is Step.WELCOME else step.value}{token and f'?s={token}'}"
        _report(step.value, page, address, main)
    page.goto(f"{server.url}api/enter#{key}")
    page.wait_for_url(f"{server.url}sessions")
    for room in ROOMS:
        asked = f"?session={session}" if room.address == "replay" else ""
        _report(room.address, page, f"{server.url}{room.address}{asked}", page.get_by_role("heading", level=1))


def _report(name: str, page: Any, address: str, main: Any) -> None:
    timed(lambda: page.goto(address), main)
    opened, again = [], []
    for _ in range(TIMES):
        page.goto("about:blank")
        opened.append(timed(lambda: page.goto(address), main))
        again.append(timed(page.reload, main))
    print(f"{name:<12} {median(opened):>6.0f} {max(opened):>7.0f} {median(again):>6.0f} {max(again):>7.0f}")
