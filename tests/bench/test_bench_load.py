"""Fifty participants act at once, every five seconds each: how long each waits, and whether the log has every act once.

TILLER_BENCH_LOAD=50,60 names how many participants and for how many seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from crowd import ACTS, EVERY_S, Crowd, Process, Told

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))  # the server and its hands are the pages' own

from served import (  # pyright: ignore[reportMissingImports]
    BENCH,
    Server,
    key_of,
    launched,  # noqa: F401 - the fixture `chromium`
    open_workspace,
    settled,
)

from study.database import connect
from study.log import EventLog

pytestmark = [pytest.mark.bench, pytest.mark.browser]

MANY, SECONDS = (int(part) for part in os.environ.get("TILLER_BENCH_LOAD", "50,60").split(","))
BROWSERS = 3
LATE_S = 120  # a server that is so far behind by then does not catch up: it has stalled
# Release a control, wait until the bars are those of the new state, wait for the frame that paints them.
PAINT = f"""
  ([seconds, every, seed]) => {{
    const bench = {BENCH};
    const bars = bench.querySelector('.bars');
    let dice = seed;
    const chance = () => (dice = (dice * 48271) % 2147483647) / 2147483647;
    const pause = (ms) => new Promise((on) => setTimeout(on, ms));
    const told = window.tillerTold = {{ taken: [], edits: 0, undos: 0, lost: 0, over: false }};
    (async () => {{
      const begun = performance.now();
      await pause(1000 * every * chance());
      while (performance.now() - begun < 1000 * seconds) {{
        const start = performance.now();
        const seen = new Promise((on) => new MutationObserver((_, watch) => {{
          watch.disconnect(); requestAnimationFrame(() => setTimeout(() => on(performance.now())));
        }}).observe(bars, {{ attributes: true, attributeFilter: ['data-state'] }}));
        const undo = bench.querySelector('[data-part=undo]');
        if (chance() < 0.2 && !undo.disabled) {{
          undo.click();
          told.undos += 1;
        }} else {{
          const slide = [...bench.querySelectorAll('.row .slide')][Math.floor(chance() * 8)];
          const was = Number(slide.value);
          slide.value = was > 1 ? 0.1 * Math.floor(chance() * 9) : 1.1 + 0.1 * Math.floor(chance() * 9);
          slide.dispatchEvent(new Event('input', {{ bubbles: true }}));
          slide.dispatchEvent(new Event('change', {{ bubbles: true }}));
          told.edits += 1;
        }}
        const painted = await Promise.race([seen, pause(30000)]);
        painted ? told.taken.push(painted - start) : (told.lost += 1);
        await pause(Math.max(0, 1000 * every * (0.6 + 0.8 * chance()) - (performance.now() - start)));
      }}
      told.over = true;
    }})();
  }}
"""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Server]:
    """The app with the demo that ships."""
    environment = {**os.environ, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"}
    made = Server(environment, tmp_path / "log.db")
    made.start()
    yield made
    made.kill()


def test_fifty_participants_at_once(demo: Server, chromium: Any) -> None:
    assert demo.process is not None
    server = Process(demo.process.pid)
    first = Crowd(demo.url, 1, 0)
    first.enter()
    first.leave()
    bare = server.memory_mb
    crowd = Crowd(demo.url, MANY - BROWSERS, SECONDS)
    crowd.enter()
    pages = [chromium.new_page(viewport={"width": 1440, "height": 900}) for _ in range(BROWSERS)]
    for page in pages:
        open_workspace(page, demo)
    print(f"\n{MANY} participants are in the workspace")
    there = server.memory_mb
    load, begun, spent = os.getloadavg()[0], time.monotonic(), server.spent_s
    over = crowd.start()
    for number, page in enumerate(pages, start=1):
        page.evaluate(PAINT, [SECONDS, EVERY_S, 7919 * number])
    over.result(SECONDS + LATE_S)
    for page in pages:
        page.wait_for_function("!window.tillerTold || window.tillerTold.over", timeout=120_000)
        settled(page)
    spent, took, worked = server.spent_s - spent, time.monotonic() - begun, server.memory_mb
    painted = [each for page in pages if (each := page.evaluate("window.tillerTold ?? null"))]
    crowd.leave()
    for page in pages:
        page.close()

    told = crowd.told
    print(f"{MANY} participants, {BROWSERS} of them in Chromium, each every {EVERY_S:.0f} s for {SECONDS} s")
    print(_line("released to painted, Chromium", [ms for each in painted for ms in each["taken"]]))
    print(_line("sent to settled, without a browser", [ms for each in told for ms in each.settled_ms]))
    print(_line("ripple asked to answered", [ms for each in told for ms in each.ripple_ms]))
    print(f"server: {spent / took:.2f} of {os.cpu_count()} cores; load of the machine {load:.1f} before")
    print(
        f"memory: {bare:.0f} MB with one participant, {there:.0f} MB with {MANY}, {worked:.0f} MB after the acts: "
        f"{(worked - bare) / MANY:.1f} MB for each"
    )
    wrong = [what for each in told for what in each.wrong]
    wrong += [f"{each['lost']} not painted" for each in painted if each["lost"]]
    wrong += [f"{len(pages) - len(painted)} pages loaded anew"] * (len(painted) < len(pages))
    print(f"ripples given up for the next: {sum(each.given_up for each in told)}")
    print(f"acts sent again: {sum(each.resent for each in told)}; wrong: {wrong or 'nothing'}")
    assert not wrong
    _check_rows(demo, told, painted)


def _check_rows(demo: Server, told: Sequence[Told], painted: Sequence[dict[str, Any]]) -> None:
    """Every act stands once under its id, no session has a row that nobody asked for, and all chains are whole."""
    names = {name for name, _ in ACTS.values()}
    keys = Counter(key for _, _, _, key, _ in demo.rows())
    by_session: dict[str, Counter[str]] = {}
    owner: dict[str, str] = {}
    for name, _, _, key, session in demo.rows():
        owner[key] = session
        if name in names:
            by_session.setdefault(session, Counter())[name] += 1
    for each in told:
        assert each.acts, "a participant did nothing"
        assert [keys[key_of(act)] for act, _ in each.acts] == [1] * len(each.acts)
        (session,) = {owner[key_of(act)] for act, _ in each.acts}
        assert by_session.pop(session) == each.rows
    wanted = [Counter({"intervention.applied": e["edits"], "intervention.undone": e["undos"]}) for e in painted]
    found = list(by_session.values())
    assert sorted(sorted((+each).items()) for each in found) == sorted(sorted((+each).items()) for each in wanted)
    log = EventLog(connect(f"sqlite:///{demo.database}", make=False))
    assert all(log.verify(session).whole for session in log.sessions())
    acts = sum(len(each.acts) for each in told) + sum(each["edits"] + each["undos"] for each in painted)
    print(f"{acts} acts, each in the log once; every chain whole")


def _line(what: str, ms: list[float]) -> str:
    cuts = quantiles(ms, n=100) if len(ms) > 1 else [float("nan")] * 99
    return f"{what:<36} n {len(ms):>4}, p50 {cuts[49]:5.0f}, p95 {cuts[94]:5.0f}, p99 {cuts[98]:5.0f} ms"
