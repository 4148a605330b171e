"""A tiny study on disk, a server that can be killed, and a browser; each only where a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from served import Server, launched  # noqa: F401 - the fixture `chromium`, which the benchmarks share
from tiny_world import write_bundle, write_script


@dataclass(frozen=True)
class TinyWorld:
    bundle: Path
    script: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """One bundle and study for all tests of the pages; nobody writes to it."""
    folder = tmp_path_factory.mktemp("world")
    return TinyWorld(write_bundle(folder / "bundle"), write_script(folder))


def _environment(world: TinyWorld, database: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TILLER_DATABASE_URL": f"sqlite:///{database}",
        "TILLER_BUNDLE": str(world.bundle),
        "TILLER_STUDY": str(world.script),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def server(world: TinyWorld, tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, so that it may be killed."""
    made = Server(_environment(world, tmp_path / "log.db"), tmp_path / "log.db")
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def shared_server(world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a module, which only add sessions to it."""
    folder = tmp_path_factory.mktemp("server")
    made = Server(_environment(world, folder / "log.db"), folder / "log.db")
    made.start()
    yield made
    made.kill()
