"""From the release of a control to painted probabilities, beside a bare fragment rerun in the same browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))  # the server and its hands are the pages' own

from served import (  # pyright: ignore[reportMissingImports]
    BENCH,
    Server,
    launched,  # noqa: F401 - the fixture `chromium`
    open_workspace,
    settled,
)

pytestmark = [pytest.mark.bench, pytest.mark.browser]

ACTS = 60
GOAL = 3.0

BARE = """
import streamlit as st

@st.fragment
def bare():
    st.session_state.setdefault("count", 0)
    st.button("Go", key="go", on_click=lambda: st.session_state.update(count=st.session_state.count + 1))
    st.markdown(f"count {st.session_state.count}")

bare()
"""
# Press, wait for the text to change, wait for the frame that paints it; all on the page's own clock.
FLOOR = """
  async (times) => {
    const taken = [];
    for (let at = 0; at < times; at++) {
      const wanted = [...document.querySelectorAll('p')].find((p) => p.textContent.startsWith('count'));
      await new Promise((on) => setTimeout(on, 150));
      const start = performance.now();
      const seen = new Promise((on) => new MutationObserver((_, watch) => {
        watch.disconnect(); requestAnimationFrame(() => setTimeout(() => on(performance.now())));
      }).observe(wanted, { subtree: true, characterData: true, childList: true }));
      document.querySelector('.st-key-go button').click();
      taken.push((await seen) - start);
    }
    return taken;
  }
"""
STEER = f"""
  async (times) => {{
    const bench = {BENCH};
    const bars = bench.querySelector('.bars');
    const rows = [...bench.querySelectorAll('.row')].slice(0, 6);
    const taken = [];
    for (let at = 0; at < times; at++) {{
      await new Promise((on) => setTimeout(on, 400));
      const start = performance.now();
      const seen = new Promise((on) => new MutationObserver((_, watch) => {{
        watch.disconnect(); requestAnimationFrame(() => setTimeout(() => on(performance.now())));
      }}).observe(bars, {{ attributes: true, attributeFilter: ['data-state'] }}));
      const slide = rows[at % 6].querySelector('.slide');
      slide.value = (Math.floor(at / 6) % 2 ? 0.4 : 1.7) + 0.1 * (at % 11);
      slide.dispatchEvent(new Event('input', {{ bubbles: true }}));
      slide.dispatchEvent(new Event('change', {{ bubbles: true }}));
      taken.push((await seen) - start);
    }}
    return taken;
  }}
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Server]:
    """The least app that reruns a fragment, under the same configuration."""
    entry = tmp_path / "bare.py"
    entry.write_text(BARE, encoding="utf-8")
    made = Server(dict(os.environ), tmp_path / "none.db", entry=str(entry))
    made.start(healthy=False)
    yield made
    made.kill()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Server]:
    """The app with the demo that ships."""
    environment = {**os.environ, "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"}
    made = Server(environment, tmp_path / "log.db")
    made.start()
    yield made
    made.kill()


def spread(taken: list[float]) -> tuple[float, float]:
    return median(taken), quantiles(taken, n=20)[18]


def test_release_to_painted_probabilities(scratch: Server, demo: Server, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.goto(scratch.url)
    page.get_by_text("count 0").wait_for()
    page.evaluate(FLOOR, 10)
    floor = spread(page.evaluate(FLOOR, ACTS))
    open_workspace(page, demo)
    page.evaluate(STEER, 12)
    settled(page)
    act = spread(page.evaluate(STEER, ACTS))
    again = page.goto(scratch.url) and page.get_by_text("count 0").wait_for()
    assert again is None
    floor_after = spread(page.evaluate(FLOOR, ACTS))
    low = min(floor[0], floor_after[0])
    print(f"\nbare fragment rerun   median {floor[0]:5.0f} ms, p95 {floor[1]:5.0f} ms (before)")
    print(f"bare fragment rerun   median {floor_after[0]:5.0f} ms, p95 {floor_after[1]:5.0f} ms (after)")
    print(f"release to painted    median {act[0]:5.0f} ms, p95 {act[1]:5.0f} ms; {act[0] / low:.1f} times the floor")
