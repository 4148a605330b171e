"""Two app processes on one PostgreSQL: one study, and a participant who lands on the other process goes on there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Server, open_workspace, settled
from servers import Postgresql

from study.database import connect
from study.log import EventLog

pytestmark = pytest.mark.browser


@pytest.fixture
def pair(world: Any, postgresql: Postgresql, tmp_path: Path) -> Iterator[tuple[Server, Server, EventLog]]:
    url = postgresql.new(empty=True)
    study = {"TILLER_BUNDLE": str(world.bundle), "TILLER_STUDY": str(world.script)}
    environment = {**os.environ, "TILLER_DATABASE_URL": url, **study, "OMP_NUM_THREADS": "1"}
    servers = [Server(environment, tmp_path / name / "log.db") for name in ("one", "two")]
    for server in servers:
        server.database.parent.mkdir()
        server.start()
    engine = connect(url)
    yield servers[0], servers[1], EventLog(engine)
    engine.dispose()
    for server in servers:
        server.kill()
    postgresql.drop(url)


def test_a_participant_who_lands_on_the_other_process_goes_on_there(
    chromium: Any, pair: tuple[Server, Server, EventLog]
) -> None:
    one, two, log = pair
    here, there = (chromium.new_context(viewport={"width": 1440, "height": 900}).new_page() for _ in range(2))
    for page in (here, there):
        page.set_default_timeout(30_000)
    link = open_workspace(here, one)
    open_workspace(there, two)  # somebody else, at the same time, on the other process
    for page in (here, there):
        page.locator(".row .off").first.click()
        settled(page)
    said = here.locator(".verdict .now strong").inner_text()

    one.kill()
    here.goto(link.replace(one.url, two.url))
    here.locator(".row").first.wait_for()
    settled(here)
    assert here.locator(".verdict .now strong").inner_text() == said
    assert here.locator(".plan > ul > li").count() == 1
    here.locator(".row .more").nth(1).click()
    settled(here)
    here.locator(".plan li .times").nth(1).wait_for()

    sessions = log.sessions()
    assert len(sessions) == 2
    steps = {}
    for session in sessions:
        rows = log.read(session)
        assert log.verify(session).whole
        name = rows[0].row["participant_pseudonym"]
        steps[name] = [row.name for row in rows if row.name.startswith(("intervention.", "session."))]
    # another port is another origin, and so another window
    came = ["session.started", "intervention.applied", "session.taken_over", "session.resumed", "intervention.applied"]
    assert steps["P01"] == came
    assert steps["P02"] == ["session.started", "intervention.applied"]
    for page in (here, there):
        page.context.close()
