"""A tiny study on disk, a server that can be killed, and a browser; each only where a test asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nursery import Nursery
from participants import Participant
from served import Server, environment, launched  # noqa: F401 - the fixture `chromium`, which the benchmarks share
from streamlit.components.v2 import manifest_scanner
from telling import tell_of
from tiny_world import TinyWorld, write_bundle, write_script

from app import build
from core.bundle import Bundle, load_bundles
from pages.parts.rig import Rig
from study.session import Step


@pytest.fixture(scope="session", autouse=True)
def scanned_once() -> Iterator[None]:
    """An `AppTest` asks every installed package whether it brings components; what is installed stays as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """One bundle and study for all tests of the pages; nobody writes to it."""
    folder = tmp_path_factory.mktemp("world")
    return TinyWorld(write_bundle(folder / "bundle"), write_script(folder))


@pytest.fixture(scope="session", autouse=True)
def opened_once(world: TinyWorld) -> Iterator[None]:
    """The bundle that nobody writes to is opened once for all rigs; what opening one takes is asked in tests/core."""
    opened = cache(load_bundles)

    def load(folder: Path, wanted: Iterable[str], **more: str) -> dict[str, Bundle]:
        if Path(folder) != world.bundle:
            return load_bundles(folder, wanted, **more)
        return dict(opened(world.bundle, tuple(dict.fromkeys(wanted)), **more))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.bundle.load_bundles", load)
        yield


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where servers come from that no test asks about their first breath."""
    with Nursery() as made:
        yield made


@pytest.fixture
def server(world: TinyWorld, nursery: Nursery, tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, so that it may be killed."""
    named = environment(world.bundle, world.script, tmp_path / "log.db")
    made = Server(named, tmp_path / "log.db", nursery=nursery)
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def shared_server(world: TinyWorld, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a module, which only add sessions to it."""
    folder = tmp_path_factory.mktemp("server")
    made = Server(environment(world.bundle, world.script, folder / "log.db"), folder / "log.db", nursery=nursery)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def rig(world: TinyWorld, tmp_path: Path) -> Rig:
    return build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(world.script),
        }
    )


@pytest.fixture
def participant(rig: Rig) -> Callable[[Step], Participant]:
    return lambda step: Participant(rig).at(step)


# Remember the id of every act that the outbox takes in, in the order in which it takes them.
KEEP_IDS = """
  window.made = [];
  const put = Storage.prototype.setItem;
  Storage.prototype.setItem = function (shelf, text) {
    if (shelf.startsWith("tiller-outbox"))
      for (const { id } of JSON.parse(text)) if (!window.made.includes(id)) window.made.push(id);
    put.call(this, shelf, text);
  };
"""


@pytest.fixture
def page(chromium: Any) -> Any:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    context.add_init_script(KEEP_IDS)
    yield context.new_page()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A browser's test that fails also tells what its windows showed and what its server was doing."""
    report = yield
    held: dict[str, Any] = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "page" in held:
        servers = [held[name] for name in ("shared_server", "server") if name in held]
        report.sections.append(("what the windows showed", tell_of(held["page"].context.browser, servers)))
    return report
