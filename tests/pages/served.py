"""The app as its users start it, and a participant's hands on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest
from nursery import Fork, Nursery

Given = TypeVar("Given")
ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Timers of one length wait for the test instead of the clock; `letGo` runs what is held, and holds no more.
HOLD = """(ms) => {
  const [set, clear, held] = [window.setTimeout, window.clearTimeout, new Map()];
  window.setTimeout = (then, wait, ...given) => {
    if (wait !== ms) return set(then, wait, ...given);
    const one = -1 - held.size - Math.random();
    held.set(one, () => then(...given));
    return one;
  };
  window.clearTimeout = (one) => held.delete(one) || clear(one);
  window.letGo = () => {
    [window.setTimeout, window.clearTimeout] = [set, clear];
    for (const then of held.values()) then();
  };
}"""
# What `read` gives once it has given the same over some frames, and longer than anything on a page takes to move.
STILL = """async () => {
  const read = %s;
  const begin = performance.now();
  for (let [last, since, frames] = ["", begin, 0]; performance.now() < begin + 30_000; ) {
    const now = JSON.stringify(read());
    if (now !== last) [last, since, frames] = [now, performance.now(), 0];
    else if (++frames > 6 && performance.now() > since + 200) return JSON.parse(last);
    await new Promise(requestAnimationFrame);
  }
  throw new Error("it does not come to rest");
}"""
BENCH = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.bench')).find(Boolean)"


def environment(bundle: Path, script: Path, database: Path) -> dict[str, str]:
    """What the app is started with, so that it shows this bundle and script and writes to this database."""
    return {
        **os.environ,
        "TILLER_DATABASE_URL": f"sqlite:///{database}",
        "TILLER_BUNDLE": str(bundle),
        "TILLER_STUDY": str(script),
        "OMP_NUM_THREADS": "1",
    }


@dataclass
class Server:
    """The app on a free port with a database of its own: as its users start it, or a fork of a `nursery`."""

    environment: dict[str, str]
    database: Path
    entry: str = "app.py"
    nursery: Nursery | None = field(default=None, repr=False)
    port: int = 0
    process: subprocess.Popen[bytes] | Fork | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/"

    def start(self, *, healthy: bool = True) -> None:
        if not self.port:
            with socket.socket() as free:
                free.bind(("localhost", 0))
                self.port = free.getsockname()[1]
        self.process = self._process(["run", self.entry, "--server.port", str(self.port)])
        path = "api/health" if healthy else "_stcore/health"
        for _ in range(240):
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.25)
        raise AssertionError((self.database.parent / "server.log").read_text())

    def _process(self, arguments: list[str]) -> subprocess.Popen[bytes] | Fork:
        told = self.database.parent / "server.log"
        if self.nursery is not None:
            return self.nursery.start(arguments, cwd=ROOT, env=self.environment, output=told)
        with told.open("ab") as output:
            command = [sys.executable, "-m", "streamlit", *arguments]
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=output, stderr=output)

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def rows(
        self, query: str = "select name, target, seq, idem_key, session_id from events order by session_id, seq"
    ) -> list[Any]:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            return connection.execute(query).fetchall()

    def newest(self) -> str:
        """The session that began last; others may still be written to."""
        return self.rows("select session_id from events where seq = 1 order by srv_utc_ns desc limit 1")[0][0]


def awaited(answer: Coroutine[Any, Any, Given]) -> Given:
    """What a route answers; in a thread of its own, for the browser's library keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, answer).result()


def key_of(act: str) -> str:
    """The idempotency key that the log keeps of an act's id."""
    return sha256(act.encode()).hexdigest()


def acts(server: Server, session: str | None = None) -> list[Any]:
    query = (
        "select e.name, p.json, e.idem_key, e.session_id from events e join payloads p on p.event_id = e.event_id "
        "where e.name like 'intervention.%' order by e.session_id, e.seq"
    )
    return [row for row in server.rows(query) if session is None or row[3] == session]


def settled(page: Any) -> None:
    """Wait until the browser holds no act that the server has not acknowledged."""
    page.locator(".saved[data-mood='saved']").wait_for(timeout=30_000)


def measured(page: Any) -> None:
    """Wait until what comes after the answer is there as well: the other pictures' counts, and the component's card."""
    settled(page)
    for part in (".card", ".ripple"):
        page.locator(f".bench {part}:not([aria-busy='true'])").wait_for(state="attached")


def until(what: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def still(page: Any, read: str) -> Any:
    """What the page's function `read` gives when all that moves has come to rest."""
    return page.evaluate(STILL % read)


@contextmanager
def one_run(page: Any, rest_ms: int) -> Iterator[None]:
    """What is pressed in here is one run to the page, which ends such a run after `rest_ms`, however slow the machine.

    A hand's keys wait in line before the page's clock; a test's keys come one by one, each after the last was heard.
    """
    page.evaluate(HOLD, rest_ms)
    yield
    page.evaluate("letGo()")


def open_workspace(page: Any, server: Server) -> str:
    """From the first page to the workspace as a newcomer; the link that leads back there."""
    page.goto(server.url)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="I agree").click()
    page.get_by_role("button", name="Open the workspace").click()
    page.locator(".row").first.wait_for()
    settled(page)
    return page.url


@pytest.fixture(scope="session", name="chromium")
def launched(pytestconfig: pytest.Config) -> Iterator[Any]:
    """Chromium, or a skip that says why; under CI=true a browser that is missing is a failure.

    Where it is there, the headless shell: the same engine without a window of its own to draw, at a fifth of the cost
    of a new context. What is measured is measured in the browser that people use.
    """
    from playwright.sync_api import sync_playwright

    browsers = ("chromium", "google-chrome")
    if pytestconfig.option.markexpr != "bench":
        browsers = ("chromium-headless-shell", *browsers)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = str(own) if own.exists() else next(filter(None, map(shutil.which, browsers)), None)
        if found is None:
            reason = "no Chromium was found: run `playwright install chromium`"
            pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()
