"""The garbage collector: what fifty participants hold is not walked through each time that one of them clicks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from served import Server, awaited, environment
from tiny_world import TinyWorld

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))  # a visitor without a browser is the benches' own

from wire import Visitor  # pyright: ignore[reportMissingImports]

# Python runs this before anything else: its own turns are off, and each collection that somebody asks for is noted.
NOTED = """
import gc, os
def note(phase, told):
    if phase == "start":
        with open(os.environ["NOTED_IN"], "a") as noted:
            noted.write(str(told["generation"]))
gc.disable()
gc.callbacks.append(note)
"""


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """Where the server of this test notes the generations that were collected."""
    (tmp_path / "sitecustomize.py").write_text(NOTED, encoding="utf-8")
    return tmp_path / "collected"


def test_no_run_of_a_page_collects_the_garbage_of_all(world: TinyWorld, collected: Path) -> None:
    folder = collected.parent
    noting = {"PYTHONPATH": str(folder), "NOTED_IN": str(collected)}
    server = Server({**environment(world.bundle, world.script, folder / "log.db"), **noting}, folder / "log.db")
    server.start()
    try:
        before = collected.read_text(encoding="ascii")
        awaited(_walk_in(server.url))
        assert before, "the collection at the start was not noted"
        assert collected.read_text(encoding="ascii") == before
    finally:
        server.kill()


async def _walk_in(url: str) -> None:
    visitor = Visitor(url)
    await visitor.open()
    await visitor.press("Start")
    await visitor.until(lambda: any(label.startswith("I agree") for label in visitor.buttons) and not visitor.running)
    await visitor.close()
