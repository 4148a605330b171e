"""Every page opened warm, and loaded anew at each step, until its main element is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy
from statistics import median
from time import perf_counter
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))  # the server and its hands are the pages' own

from participants import Participant  # pyright: ignore[reportMissingImports]
from served import Server, launched  # noqa: F401  # pyright: ignore[reportMissingImports]

from app import build
from pages.parts.opened import bench_of
from pages.parts.rig import Rig
from pages.parts.staff import ROOMS
from study.decisions import opening
from study.session import Step
from study.session_events import ConsentGiven, SessionCompleted
from study.staff import Role, invite
from study.task_events import PageLeft, TaskSubmitted

pytestmark = [pytest.mark.bench, pytest.mark.browser]

TIMES = 5
BENCHES = (Step.WORKSPACE, Step.TUTORIAL)
DONE = 8  # sessions that have been walked to the end, for the staff to look at
SMALL, WIDE = {"width": 800, "height": 600}, {"width": 1440, "height": 900}  # the device's page stays where it is small
STUDIES = Path(__file__).parents[2] / "data" / "studies"
TEXT = "    - {page: text, id: before, title: Before we begin, text: There are four pictures to look at.}\n"
FIRST = "    - {page: device_check}\n"


@pytest.fixture
def studied(tmp_path: Path) -> Iterator[tuple[Server, dict[Step, str], str, str]]:
    """A remote study with a participant at each step, their links, a session that is over, and a researcher's key."""
    script = (STUDIES / "remote.yaml").read_text(encoding="utf-8")
    assert FIRST in script
    (tmp_path / "remote.yaml").write_text(script.replace(FIRST, TEXT + FIRST), encoding="utf-8")
    copy(STUDIES / "remote-consent.md", tmp_path)
    database, study = f"sqlite:///{tmp_path / 'log.db'}", str(tmp_path / "remote.yaml")
    environment = {**os.environ, "TILLER_DATABASE_URL": database, "TILLER_STUDY": study}
    rig = build(environment)
    there = {step: "" if step is Step.WELCOME else walked(rig, step).token for step in Step}
    over = [walked(rig, Step.DONE).id for _ in range(DONE)]
    key = invite(rig.log, "Ada", Role.RESEARCHER)
    server = Server(environment, tmp_path / "log.db")
    server.start()
    yield server, there, over[0], key
    server.kill()


def walked(rig: Rig, step: Step) -> Participant:
    """A participant who left every stop on the way to the first that has this step."""
    who = Participant(rig).at(Step.CONSENT)
    scopes, text = rig.script.consent.scopes, rig.script.consent_sha256
    while (place := who.place).step is not step:
        stop = place.stop
        if stop is None:
            who.write(SessionCompleted(outcome=place.ending), key="end")
        elif stop.step is Step.CONSENT:
            who.write(*(ConsentGiven(scope=scope.key, text_sha256=text) for scope in scopes), key="consent")
        elif stop.is_task and step in (Step.WORKSPACE, Step.ANSWER):
            _work(who, step)
        elif stop.is_task:
            who.write(TaskSubmitted(task=stop.id), key=stop.id)
        else:
            who.write(PageLeft(page=stop.id), key=stop.id)
    return who


def _work(who: Participant, step: Step) -> None:
    bench = bench_of(who.rig, who.place)
    who.write(*opening(bench, image="p.png", labels=("hat",)), key="opening")
    if step is Step.ANSWER:
        assert list(who.act("answer").values()) == [""]


def timed(do: Callable[[], object], there: Any) -> float:
    """Milliseconds of `do` until the main element stands on the page."""
    begun = perf_counter()
    do()
    there.first.wait_for()
    return 1000 * (perf_counter() - begun)


def test_pages_open_and_come_back(studied: tuple[Server, dict[Step, str], str, str], chromium: Any) -> None:
    server, links, session, key = studied
    page = chromium.new_page()
    page.set_default_timeout(20_000)
    print(f"\nmedian and worst of {TIMES}, ms; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'page':<12} {'opened':>14} {'loaded anew':>14}")
    for step, token in links.items():
        page.set_viewport_size(SMALL if step is Step.DEVICE else WIDE)
        main = (
            page.locator(".bench[data-loading='false']")
            if step in BENCHES
            else page.locator(".st-key-sheet :is(h1, .stButton button)")
        )
        address = f"{server.url}{'' if step is Step.WELCOME else step.value}{token and f'?s={token}'}"
        _report(step.value, page, address, main)
        assert page.url.startswith(address), f"{step} sent on to {page.url}"
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
